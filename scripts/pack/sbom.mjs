// What is inside, as CycloneDX: https://cyclonedx.org/docs/1.6/json/
import {createHash} from 'node:crypto'

const purl = ({name, version}) => `pkg:npm/${name.replace('@', '%40')}@${version}`
const hexOf = (integrity) => Buffer.from(integrity.replace(/^sha512-/, ''), 'base64').toString('hex')

function licenses({license, licenses: old}) {
  const name = typeof license === 'string' ? license : (license?.type ?? old?.[0]?.type)
  if (typeof name !== 'string') return undefined
  return [/ (OR|AND|WITH) /.test(name) ? {expression: name} : {license: /^[A-Za-z0-9.+-]+$/.test(name) ? {id: name} : {name}}]
}

function component(one, lock) {
  const integrity = lock[`${one.name}@${one.version}`]?.resolution?.integrity
  return {
    type: 'library', 'bom-ref': one.path, name: one.name, version: one.version, purl: purl(one),
    ...(licenses(one.pjson) ? {licenses: licenses(one.pjson)} : {}),
    ...(integrity ? {hashes: [{alg: 'SHA-512', content: hexOf(integrity)}]} : {}),
  }
}

/** `packages`: of the closure. `node`: {version, purl, integrity} where it is inside. The same build gives the same bytes. */
export function sbom({version, date, target, license, packages, needs, lock, node}) {
  const nodeInside = node && {
    type: 'platform', 'bom-ref': 'node', name: 'node', version: node.version,
    ...(node.purl ? {purl: node.purl, hashes: [{alg: 'SHA-512', content: hexOf(node.integrity)}]} : {}),
  }
  const components = [...packages.map((one) => component(one, lock)), ...(nodeInside ? [nodeInside] : [])]
  const hex = createHash('sha256').update(JSON.stringify([version, target, components])).digest('hex')
  return {
    bomFormat: 'CycloneDX', specVersion: '1.6', version: 1,
    serialNumber: `urn:uuid:${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
    metadata: {timestamp: date, component: {type: 'application', 'bom-ref': 'cgpu', name: 'cgpu', version, licenses: [{license: {id: license}}]}},
    components,
    dependencies: [{ref: 'cgpu', dependsOn: [...needs, ...(nodeInside ? ['node'] : [])]}, ...packages.map(({path, needs: own}) => ({ref: path, dependsOn: own.toSorted()}))],
  }
}
