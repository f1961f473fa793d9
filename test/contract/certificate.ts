import {execFileSync} from 'node:child_process'
import {join} from 'node:path'

/** A self-signed certificate for 127.0.0.1, or for what openssl's subjectAltName is told. */
export function certificate(folder: string, names = 'IP:127.0.0.1'): {cert: string; key: string} {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2', '-subj', '/CN=cgpu test',
    '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert,
  ], {stdio: 'ignore'})
  return {cert, key}
}
