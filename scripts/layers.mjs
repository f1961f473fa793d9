// Fewer files to load at a start. esbuild makes a file of what the same entries share, and with a hundred commands nearly every
// module is shared by others than its neighbour: `cgpu runtime list` loaded 37 files, most of them of half a kilobyte to five.
// Here what a base imports is a layer, and who imports something of a layer imports all of it, so that its modules share a file.
import {readFileSync} from 'node:fs'
import {dirname, join} from 'node:path'
import {inOwnPlace, ownFiles, root, underRoot} from './bundling.mjs'

const importsOf = ({inputs}, file) => inputs[file].imports.filter(({kind, external}) => kind === 'import-statement' && !external).map(({path}) => path)

/** Of a lean built-in (bundling.mjs): small, and each would be a file, as everybody uses some: they are part of the first layer. */
const builtin = 'builtin:'

/** The number of their layer, of our modules as the metafile names them. */
function layersOf(metafile, layers) {
  const layerOf = new Map(Object.keys(metafile.inputs).filter((file) => file.startsWith(builtin)).map((file) => [file, 0]))
  const visit = (file, layer) => {
    if (layerOf.has(file) || !ownFiles.test(file)) return
    layerOf.set(file, layer)
    for (const imported of importsOf(metafile, file)) visit(imported, layer)
  }
  for (const [layer, bases] of layers.entries()) for (const base of bases) visit(base, layer)
  return layerOf
}

/**
 * A plugin that keeps each layer in one file. A layer is named by the modules that are its bases (relative to the root): it holds
 * all that they import, directly or not, beyond the layers before it. So none imports a later one, and every module still runs
 * after its imports. `metafile` is that of the same bundle without layers.
 */
export function layers(metafile, bases) {
  const layerOf = layersOf(metafile, bases)
  return {
    name: 'layers',
    setup({onLoad, onResolve, resolve}) {
      onLoad({filter: ownFiles, namespace: 'file'}, ({path}) => {
        const file = underRoot(path)
        const others = new Set(importsOf(metafile, file).map((imported) => layerOf.get(imported)))
        others.delete(undefined)
        others.delete(layerOf.get(file))
        if (others.size === 0) return
        // after its own imports, which run first
        const more = [...others].toSorted((a, b) => a - b).map((layer) => `\nimport 'layer:${layer}'`).join('')
        return {contents: inOwnPlace(path, readFileSync(path, 'utf8')) + more, resolveDir: dirname(path), loader: 'js'}
      })
      onResolve({filter: /^layer:/}, ({path}) => ({path: path.slice('layer:'.length), namespace: 'layer', sideEffects: true}))
      onLoad({filter: /.*/, namespace: 'layer'}, ({path}) => {
        const members = [...layerOf].filter(([, layer]) => layer === Number(path)).map(([file]) => `import ${JSON.stringify(file.startsWith(builtin) ? file.slice(builtin.length) : join(root, file))}\n`)
        return {contents: members.join(''), resolveDir: root}
      })
      // `await import()` of one is a way into the layer of its own
      onResolve({filter: /.*/}, async ({path, kind, importer, resolveDir, pluginData}) => {
        if (kind !== 'dynamic-import' || pluginData === 'seen' || path.startsWith('node:')) return
        const found = await resolve(path, {kind, importer, resolveDir, pluginData: 'seen'})
        if (layerOf.has(underRoot(found.path))) return {path: underRoot(found.path), namespace: 'member'}
      })
      onLoad({filter: /.*/, namespace: 'member'}, ({path}) => ({
        contents: `export * from ${JSON.stringify(join(root, path))}\nimport 'layer:${layerOf.get(path)}'`, resolveDir: root,
      }))
    },
  }
}
