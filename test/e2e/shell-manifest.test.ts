import assert from 'node:assert/strict'
import {readFile} from 'node:fs/promises'
import {join} from 'node:path'
import {repoRoot} from '../helpers/cli.ts'

interface Manifest {
  commands: Record<string, {summary?: string; hidden?: boolean; examples?: {command: string; description: string}[]; flags: Record<string, {env?: string; summary?: string}>; args: Record<string, {description?: string}>}>
}

// the CLI's own, and those of the plugins that come with it
for (const folder of ['', 'plugins/emulator', 'plugins/notebook']) describe(`the commands${folder && ` of ${folder}`}`, () => {
  let manifest: Manifest
  before(async () => {
    manifest = JSON.parse(await readFile(join(repoRoot, folder, 'oclif.manifest.json'), 'utf8')) as Manifest // our build wrote it
  })
  const shown = () => Object.entries(manifest.commands).filter(([, {hidden}]) => !hidden)

  it('have a variable for every flag, and no two flags of a command share one', () => {
    for (const [id, {flags}] of shown()) {
      const names = Object.entries(flags).map(([flag, {env}]) => {
        assert.match(env ?? '', /^CGPU_[A-Z\d_]+$/, `${id} --${flag}`)
        return env
      })
      assert.equal(new Set(names).size, names.length, id)
    }
  })

  it('say in lowercase, without a full stop, what they do', () => {
    for (const [id, {summary = '', flags, args}] of shown()) {
      const texts: [string, string][] = [[id, summary], ...Object.entries(flags).map(([name, flag]): [string, string] => [`${id} --${name}`, flag.summary ?? '']), ...Object.entries(args).map(([name, arg]): [string, string] => [`${id} ${name}`, arg.description ?? ''])]
      for (const [where, text] of texts) {
        assert.match(text, /^(?![A-Z][a-z]+ [a-z])\S/, `${where}: "${text}"`)
        assert.doesNotMatch(text, /[.!]$/, `${where}: "${text}"`)
      }
    }
  })

  it('have one to four examples that begin with cgpu or lead to it', () => {
    for (const [id, {examples = []}] of shown()) {
      assert.ok(examples.length >= 1 && examples.length <= 4, `${id} has ${examples.length} examples`)
      for (const {command, description} of examples) {
        assert.match(command, /<%= config\.bin %> /, id)
        assert.ok(description.length > 0, id)
      }
    }
  })

  it('have the manifest that their code gives', async () => {
    const {manifestText} = (await import(join(repoRoot, 'scripts', 'manifest.mjs'))) as {manifestText: (folder: string) => Promise<string>} // a plain script
    assert.equal(await readFile(join(repoRoot, folder, 'oclif.manifest.json'), 'utf8'), await manifestText(folder), 'run: npm run build')
  })
})
