import {formatRelative} from '@cgpu/core/text/format'
import {sanitizeLine} from '@cgpu/core/text/line'
import type {Capability} from '@cgpu/plugins'
import {isRegistration} from './withheld.ts'
import type {Danger, Prepared} from '@cgpu/plugins/install'

/** What people read before they decide on a plugin. */
export interface PluginCard {
  name: string
  version: string
  source: string
  publisher: string | null
  publishedAt: string | null
  ageSeconds: number | null
  licence: string | null
  deprecated: string | null
  /** of the last month */
  downloads: number | null
  signature: string
  /** where it was built; null: it does not say. `builder`: the workflow, where that is verified; `why`: what limits that */
  provenance: {state: 'verified' | 'unchecked'; source: string | null; builder: string | null; why: string | null} | null
  contract: number | null
  capabilities: (Capability & {danger: Danger | null; text: string})[]
  commands: string[] | null
  hooks: string[]
  dependencies: string[]
}

export async function cardOf({checked, release, source, signature, provenance, downloads, dependencies}: Prepared, now = Date.now()): Promise<PluginCard> {
  const [{describeCapability}, {dangerOf}] = await Promise.all([import('@cgpu/plugins'), import('@cgpu/plugins/install')])
  const {name, version, contract, capabilities, commands, hooks, pjson} = checked
  const licence = release?.licence ?? (typeof pjson['license'] === 'string' ? sanitizeLine(pjson['license'], 100) : undefined)
  return {
    name, version, source, licence: licence ?? null, publisher: release?.publisher ?? null, publishedAt: release?.publishedAt ?? null,
    ageSeconds: release?.publishedAt === undefined ? null : Math.round((now - Date.parse(release.publishedAt)) / 1000),
    deprecated: release?.deprecated ?? null, downloads: downloads ?? null, signature,
    provenance: provenance ? {
      state: provenance.state, source: provenance.source === undefined ? null : sanitizeLine(provenance.source, 300),
      builder: provenance.state === 'verified' ? sanitizeLine(provenance.builder, 300) : null,
      why: provenance.state === 'unchecked' ? provenance.why : provenance.fresh ? null : 'with keys of before, as newer ones cannot be had',
    } : null,
    contract: contract ?? null, capabilities: capabilities.map((one) => ({...one, danger: dangerOf(one) ?? null, text: describeCapability(one)})),
    commands: commands?.map(({id}) => id.replaceAll(':', ' ')) ?? null, hooks: hooks.map((one) => sanitizeLine(one, 100)), dependencies: Object.keys(dependencies),
  }
}

const signatures: Record<string, string> = {
  signed: 'signed by the registry', unsigned: 'not signed', unchecked: 'signed, but the registry gives no key to check it with', none: 'none: it comes from no registry',
}

/** Lines for people. */
export function cardLines(card: PluginCard, now = Date.now()): string[] {
  const {publishedAt, publisher, licence, downloads, provenance, contract, capabilities, commands, hooks, dependencies, deprecated} = card
  const rows: [string, string | undefined][] = [
    ['plugin', `${card.name} ${card.version}`],
    ['deprecated', deprecated ?? undefined],
    ['published', `${publishedAt === null ? 'nobody says when' : `${formatRelative(Date.parse(publishedAt), now)} (${publishedAt.slice(0, 10)})`}${publisher === null ? '' : ` by ${publisher}`}`],
    ['licence', licence ?? 'none'],
    ['downloads', downloads === null ? undefined : `${downloads} in the last month`],
    ['signature', signatures[card.signature] ?? card.signature],
    ['provenance', provenance === null ? undefined : provenance.state === 'verified' ? `built from ${provenance.source} (verified${provenance.why === null ? '' : ` ${provenance.why}`}: ${provenance.builder})` : `says it was built from ${provenance.source ?? 'somewhere'} (not checked: ${provenance.why})`],
    ['contract', contract === null ? 'none: a plain oclif plugin' : String(contract)],
    ['commands', commands === null ? 'unknown: it has no manifest' : commands.join(', ') || 'none'],
    ['hooks', hooks.filter((one) => !isRegistration(one)).join(', ') || undefined],
    ['if trusted', hooks.filter(isRegistration).join(', ') || undefined],
    ['packages', dependencies.length === 0 ? undefined : `${dependencies.length} that it depends on`],
  ]
  const needs = capabilities.map(({text, danger}): [string, string] => [danger === null ? 'needs' : 'NEEDS', `${text}${danger === null ? '' : ` [--grant ${danger}]`}`])
  const all = [...rows, ...(needs.length === 0 ? [['needs', contract === null ? 'not declared' : 'nothing beyond its own folder'] as [string, string]] : needs)]
  return all.flatMap(([title, text]) => (text === undefined ? [] : [`${title.padEnd(11)}${text}`]))
}
