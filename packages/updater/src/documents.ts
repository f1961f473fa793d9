import {z} from 'zod'
import {isVersion} from './version.ts'

/** Where new versions come from, calmest first. */
export const channels = ['stable', 'beta', 'nightly'] as const
export type Channel = (typeof channels)[number]

/** DSSE payload types: what is signed as one kind of document cannot be passed off as another. */
export const documentTypes = {
  channel: 'application/vnd.cgpu.channel+json',
  release: 'application/vnd.cgpu.release+json',
  list: 'application/vnd.cgpu.releases+json',
} as const

const version = z.string().refine(isVersion, 'not a version')
const moment = z.iso.datetime()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const commit = z.string().regex(/^[0-9a-f]{8,64}$/)

/** A tarball. `file`: its path below the server's address, without `..`. */
const build = z.object({
  file: z.string().regex(/^[A-Za-z0-9_-][A-Za-z0-9._-]*(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$/).max(300),
  size: z.int().positive().max(2 ** 31),
  sha256,
})
export type Build = z.infer<typeof build>

/** The buildmanifest of one version: its tarballs by target (`linux-x64`, or `linux-x64-no-node` where Node is not inside). */
export const releaseDocument = z.object({schema: z.literal(1), version, commit, released: moment, builds: z.record(z.string().max(60), build)})
export type Release = z.infer<typeof releaseDocument>

/** What a channel gives just now. `sequence` only ever grows: an older document that is played back is told by it. */
export const channelDocument = z.object({
  schema: z.literal(1), channel: z.enum(channels), sequence: z.int().positive(), issued: moment, expires: moment,
  /** the part of all installations, in per cent, that update by themselves already */
  rollout: z.int().min(0).max(100),
  release: releaseDocument,
})
export type ChannelDocument = z.infer<typeof channelDocument>

/** Every version that can be had. */
export const releaseList = z.object({
  schema: z.literal(1), sequence: z.int().positive(), issued: moment,
  versions: z.array(z.object({version, commit, released: moment, channels: z.array(z.enum(channels)), targets: z.array(z.string().max(60))})).max(10_000),
})
export type ReleaseList = z.infer<typeof releaseList>
