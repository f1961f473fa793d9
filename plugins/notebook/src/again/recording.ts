import type {CodeCell, Notebook} from '../format/model.ts'
import type {KernelMessage} from '@cgpu/plugin-sdk'
import type {CellEvent, NotebookRun} from '../run/run-notebook.ts'
import type {RunRecord} from './record.ts'

/** Keeps a RunRecord by what a run tells. */
export function recording(record: RunRecord, {cells}: Notebook) {
  let last: CodeCell | undefined
  const code = (index: number): CodeCell | undefined => {
    const cell = cells[index]
    return cell?.cell_type === 'code' ? cell : undefined
  }
  return {
    cell(event: CellEvent): void {
      const cell = code(event.index)
      if (!cell) return
      if (event.type === 'end') return record.end(cell, event.status)
      // the run went on: that error ended nothing
      if (last) record.allow(last)
      last = cell
      record.begin(cell)
    },
    message(index: number, {channel, type, content}: KernelMessage): void {
      const cell = channel === 'iopub' && type === 'execute_input' ? code(index) : undefined
      if (cell && typeof content['execution_count'] === 'number') record.counted(cell, content['execution_count'])
    },
    /** `after`: names that are uncertain in the kernel when the run went well; undefined: any may be */
    ended({status, failed}: NotebookRun, after: string[] | undefined): void {
      if (last && last.id !== failed?.id) record.allow(last)
      if (status === 'ok' && after) record.whole(after)
    },
  }
}
