import type {Dice, Frame, MachineGate} from '../contract.ts'

export interface MachineHostOptions {
  /** the host's own folder, private to the user; a folder per machine is made in it and removed with the machine */
  folder: string
  frame: Frame
  gate: MachineGate
  dice: Dice
  /** The Python that servers and kernels run in (`machinePython` finds one); asked for once, by the first machine. */
  python: () => Promise<string>
  /** Folders of the host that machines may see at their own path: where `MachineGate.driveFolder` leads. */
  visible?: readonly string[]
  /** false: machines are folders, as where the system allows no namespaces. Default: namespaces where they work. */
  namespaces?: boolean
  /** true: sockets of a machine are closed when the token that they were opened with is no longer good */
  closeExpiredSockets?: (endpoint: string) => boolean
  /** false: `/colab/ssh` answers 404, as a runtime made without SSH */
  ssh?: (endpoint: string) => boolean
}
