import {errors} from '@cgpu/plugin-sdk'
import type {Notebook} from '../format/model.ts'

/** A Jupyter server takes messages of 10 MiB; the rest of one is a few hundred bytes. */
const most = 10 * 1024 * 1024 - 64 * 1024

/** Refuses code that no kernel would get. Throws CELL_TOO_BIG (65). */
export function refuseTooBig({cells}: Notebook, selected: ReadonlySet<string> | undefined): void {
  for (const [index, {cell_type: type, id, source}] of cells.entries()) {
    // a character is three bytes of UTF-8 at most, or six of an escape
    if (type !== 'code' || source.length < most / 6 || (selected && !selected.has(id))) continue
    const size = Buffer.byteLength(JSON.stringify(source))
    if (size <= most) continue
    throw errors.data(`cell ${index + 1} is ${Math.round(size / 1024 / 1024)} MiB of code, and a Jupyter server takes 10`, {
      code: 'CELL_TOO_BIG', category: 'file', fix: 'put its data into a file and copy that to the runtime: cgpu cp',
    })
  }
}
