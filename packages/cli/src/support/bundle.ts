import {homedir} from 'node:os'
import {masking} from '@cgpu/core/debug/masking'
import {HistoryRedactor} from '@cgpu/core/history/redact'
import {inert} from '@cgpu/plugin-sdk'
import type {Surroundings} from '../doctor/check.ts'
import {sections} from './sections.ts'

/** What a bundle is made of, and from what. */
export interface BundleInput extends Surroundings {
  version: string
  /** folder of the CLI's package.json */
  root: string
  /** also command lines and code */
  code: boolean
}

export interface Section {
  title: string
  /** its lines; a throw becomes one */
  collect: (input: BundleInput) => Promise<string[]>
}

export interface Bundle {
  text: string
  sections: string[]
}

/** Everything that helps to understand a problem, as one text without secrets. Changes nothing. */
export async function supportBundle(input: BundleInput, now = new Date()): Promise<Bundle> {
  const collected = await Promise.all(sections.map(async ({title, collect}) => {
    const lines = await collect(input).catch((error: unknown) => [`cannot be read: ${error instanceof Error ? error.message : String(error)}`])
    return `## ${title}\n\n${lines.length === 0 ? 'none' : lines.join('\n')}\n`
  }))
  const intro = `# cgpu support bundle\n\nmade ${now.toISOString()}${input.code ? ', with command lines and code' : ', without command lines and code'}; read it before you send it\n`
  const mask = masking(input.env)
  // what the history would not keep of a command is in no other section either
  const redactor = new HistoryRedactor()
  const clean = mask([intro, ...collected].join('\n')).split('\n').map((line) => redactor.text(line)).join('\n')
  const text = withoutPeople(clean, input.env['HOME'] || homedir())
  return {text: inert(text), sections: sections.map(({title}) => title)}
}

/** Neither the name in the home folder's path nor addresses of accounts. */
function withoutPeople(text: string, home: string): string {
  const folder = home.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
  const short = home.length > 1 ? text.replaceAll(new RegExp(`${folder}(?![\\w-])`, 'g'), '~') : text
  return short.replaceAll(/[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,5}[A-Za-z]{2,}/g, '[email]')
}
