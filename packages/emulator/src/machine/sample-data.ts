import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

/** Anscombe's quartet (1973): four sets of points with the same statistics. */
const quartet: Record<string, readonly (readonly [number, number])[]> = {
  I: [[10, 8.04], [8, 6.95], [13, 7.58], [9, 8.81], [11, 8.33], [14, 9.96], [6, 7.24], [4, 4.26], [12, 10.84], [7, 4.82], [5, 5.68]],
  II: [[10, 9.14], [8, 8.14], [13, 8.74], [9, 8.77], [11, 9.26], [14, 8.1], [6, 6.13], [4, 3.1], [12, 9.13], [7, 7.26], [5, 4.74]],
  III: [[10, 7.46], [8, 6.77], [13, 12.74], [9, 7.11], [11, 7.81], [14, 8.84], [6, 6.08], [4, 5.39], [12, 8.15], [7, 6.42], [5, 5.73]],
  IV: [[8, 6.58], [8, 5.76], [8, 7.71], [8, 8.84], [8, 8.47], [8, 7.04], [8, 5.25], [19, 12.5], [8, 5.56], [8, 7.91], [8, 6.89]],
}

const readme = `This folder stands for the sample data of a Colab machine.

* \`anscombe.json\` is Anscombe's quartet.
`

/** What `/content/sample_data` holds. */
export async function writeSampleData(folder: string): Promise<void> {
  await mkdir(folder, {recursive: true})
  const points = Object.entries(quartet).flatMap(([Series, set]) => set.map(([X, Y]) => ({Series, X, Y})))
  await Promise.all([
    writeFile(join(folder, 'README.md'), readme),
    writeFile(join(folder, 'anscombe.json'), `${JSON.stringify(points, undefined, 2)}\n`),
  ])
}
