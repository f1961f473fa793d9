import {setTimeout as delay} from 'node:timers/promises'
import {boolean, integer, string} from '@oclif/core/flags'
import type {AdminClient, LogEntry, LogFilter} from '@cgpu/emulator'
import {CgpuError, sanitizeLine, withEnv} from '@cgpu/plugin-sdk'
import {EmulatorCommand, nameFlag} from '../../emulator-command.ts'

const askAgainMs = 250

/** Shows the requests that an emulator was sent. */
export default class EmulatorLog extends EmulatorCommand<LogEntry[]> {
  static override description = 'With --verbose, with every header: tokens of the emulator are shown as they were sent.'
  static override examples = [
    {command: '<%= config.bin %> emulator log', description: 'the last 200 requests'},
    {command: '<%= config.bin %> emulator log --site control --path assign --json', description: 'those about machines, with headers, for a script'},
  ]
  static override flags = {
    ...nameFlag,
    ...withEnv({
      follow: boolean({char: 'f', summary: 'go on with those that come, until interrupted'}),
      limit: integer({min: 1, default: 200, summary: 'the last so many', helpValue: 'COUNT'}),
      method: string({summary: 'only this method', helpValue: 'METHOD'}),
      path: string({summary: 'only where path or query has this text', helpValue: 'TEXT', env: 'CGPU_EMULATOR_PATH'}),
      since: integer({min: 0, summary: 'only those with a higher id', helpValue: 'ID'}),
      site: string({summary: 'only this site: control, runtime:*, port:*, or one in full', helpValue: 'SITE'}),
      status: integer({summary: 'only those that were answered with it', helpValue: 'STATUS'}),
    }),
  }
  static override summary = 'show the requests that an emulator was sent'

  async run(): Promise<LogEntry[]> {
    const {flags} = await this.parse(EmulatorLog)
    const {site, path, method, status, since, limit} = flags
    const filter: LogFilter = {site, path, method, status, since}
    const admin = await this.admin(flags.name)
    const entries = await admin.log({...filter, limit})
    for (const one of entries) this.#print(one)
    if (flags.follow && !this.jsonEnabled()) await this.#follow(admin, filter, entries)
    else if (entries.length === 0) this.notice('no requests')
    return entries
  }

  /** Prints each request once it was answered. Ends when the emulator does. */
  async #follow(admin: AdminClient, filter: LogFilter, before: LogEntry[]): Promise<void> {
    const printed = new Set(before.map((one) => one.id))
    let since = before.at(-1)?.id ?? filter.since ?? 0
    for (;;) {
      await delay(askAgainMs)
      let entries: LogEntry[]
      try {
        entries = await admin.log({...filter, since})
      } catch (error) {
        if (error instanceof CgpuError && error.code === 'EMULATOR_UNREACHABLE') return
        throw error
      }
      for (const one of entries) {
        if (one.ms === null || printed.has(one.id)) continue
        printed.add(one.id)
        this.#print(one)
      }
      const open = entries.find((one) => one.ms === null)
      since = open ? open.id - 1 : (entries.at(-1)?.id ?? since)
    }
  }

  #print(entry: LogEntry): void {
    const {id, at, site, method, path, status, ms, account, fault, headers, body} = entry
    const outcome = `${status ?? '-'}`.padEnd(3)
    const more = [account, fault === undefined ? undefined : `fault ${fault}`].filter((one) => one !== undefined && one !== null).join(', ')
    this.log(sanitizeLine(`${String(id).padStart(4)}  ${at.slice(11, 23)}  ${site.padEnd(8)}  ${method.padEnd(6)} ${outcome} ${`${ms ?? '-'} ms`.padStart(9)}  ${path}${more === '' ? '' : `  (${more})`}`, 2000))
    if (!this.verbose) return
    for (const [name, value] of Object.entries(headers)) this.log(sanitizeLine(`        ${name}: ${value}`, 4000))
    if (body !== undefined) this.log(sanitizeLine(`        ${body}`, 4000))
  }
}
