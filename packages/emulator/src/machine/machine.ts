import {rm} from 'node:fs/promises'
import type {Machine} from '../contract.ts'
import type {RuntimeSite} from './site.ts'

export interface Origin {
  url: string
  site: RuntimeSite
  close(): Promise<void>
}

export interface MachineParts {
  endpoint: string
  folder: string
  jupyter: Origin
  /** makes the origin of another port */
  forward: (port: number) => Promise<Origin>
  /** asks for the end of its processes; resolves when none is left */
  end: () => Promise<void>
  /** called once it is gone */
  forget: () => void
}

export class RunningMachine implements Machine {
  readonly endpoint: string
  readonly url: string
  private readonly parts: MachineParts
  private readonly ports = new Map<number, Promise<Origin>>()
  private stopping: Promise<void> | undefined

  constructor(parts: MachineParts) {
    this.parts = parts
    this.endpoint = parts.endpoint
    this.url = parts.jupyter.url
  }

  async portUrl(port: number): Promise<string> {
    if (port === 8080) return this.url
    const known = this.ports.get(port) ?? this.parts.forward(port)
    this.ports.set(port, known)
    known.catch(() => this.ports.delete(port))
    return (await known).url
  }

  stop(): Promise<void> {
    return (this.stopping ??= this.end())
  }

  private async end(): Promise<void> {
    const others = await Promise.allSettled(this.ports.values())
    const origins = [this.parts.jupyter, ...others.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))]
    for (const origin of origins) origin.site.close()
    await Promise.all([this.parts.end(), ...origins.map((origin) => origin.close())])
    await rm(this.parts.folder, {recursive: true, force: true, maxRetries: 5})
    this.parts.forget()
  }
}
