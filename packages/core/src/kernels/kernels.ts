import type {KernelSpecModel} from '@cgpu/jupyter'
import {CgpuError, errors} from '../errors.ts'
import type {RuntimeSession} from '../runtime/session.ts'
import {matchPrefix, validateName} from '../text/names.ts'
import {controlKey, type KernelView, viewsOf} from './view.ts'

/** The kernels on one machine: cgpu's own named ones, and those of notebooks and other clients. */
export class Kernels {
  readonly #session: RuntimeSession

  constructor(session: RuntimeSession) {
    this.#session = session
  }

  async list(): Promise<KernelView[]> {
    return this.#session.guard(async () => {
      const server = await this.#session.server()
      const [kernels, sessions, {specs}] = await Promise.all([server.listKernels(), server.listSessions(), server.kernelSpecs()])
      return viewsOf({kernels, sessions, specs})
    })
  }

  async specs(): Promise<{default: string; specs: KernelSpecModel[]}> {
    return this.#session.guard(async () => (await this.#session.server()).kernelSpecs())
  }

  /** By name, id or a unique beginning. Throws KERNEL_NOT_FOUND (66), AMBIGUOUS (64). */
  async find(query: string): Promise<KernelView> {
    const all = await this.list()
    try {
      return matchPrefix(query, all.map((view) => ({id: view.id, name: view.name ?? undefined, view})), 'kernel').view
    } catch (error) {
      if (!(error instanceof CgpuError) || error.code !== 'NOT_FOUND') throw error
      const {name} = this.#session.record
      throw errors.notFound(query === 'default' ? `no code has run on ${name} yet: it has no default kernel` : error.message, {
        code: 'KERNEL_NOT_FOUND', category: 'kernel', fix: query === 'default' ? `cgpu kernel start -r ${name}` : `see which there are: cgpu kernel list -r ${name}`,
      })
    }
  }

  /** A kernel of this name, made with this kernelspec. Throws INVALID_NAME (64), KERNEL_NOT_FOUND (66), KERNEL_EXISTS (72). */
  async start(name: string, spec?: string): Promise<KernelView> {
    validateName(name, 'kernel')
    if (name === controlKey) throw errors.usage(`"${controlKey}" is the name of cgpu's own kernel`, {code: 'INVALID_NAME', fix: 'choose another name'})
    const there = (await this.list()).find((view) => view.name === name)
    if (there) {
      throw errors.conflict(`${this.#session.record.name} has a kernel "${name}" already (${there.spec}, ${there.state})`, {
        code: 'KERNEL_EXISTS', category: 'kernel', fix: `use it: cgpu exec --kernel ${name}; or anew: cgpu kernel restart ${name}`, details: {id: there.id},
      })
    }
    const {specs, default: usual} = await this.specs()
    // a name that is a kernelspec's is that kernel
    const wanted = spec ?? (specs.some((one) => one.name === name) ? name : usual)
    const chosen = specs.find((one) => one.name === wanted)
    if (!chosen) {
      throw errors.notFound(`${this.#session.record.name} has no kernelspec "${wanted}"`, {
        code: 'KERNEL_NOT_FOUND', category: 'kernel', fix: `one of: ${specs.map((one) => one.name).join(', ')}`,
      })
    }
    await this.#session.startKernel(name, {name: chosen.name, language: chosen.language.toLowerCase()})
    return this.find(name)
  }

  /** Anew, with nothing of what was in it. */
  async restart({id}: KernelView): Promise<KernelView> {
    await this.#session.guard(async () => (await this.#session.server()).restartKernel(id))
    await this.#session.forgetProcess({id}) // nothing that would be news here
    return this.find(id)
  }

  async interrupt({id}: KernelView): Promise<void> {
    await this.#session.guard(async () => (await this.#session.server()).interruptKernel(id))
  }

  async shutdown({id, name}: KernelView): Promise<void> {
    await this.#session.shutdownKernel(id)
    if (name !== null) await this.#session.rememberKernel(name, undefined)
  }
}
