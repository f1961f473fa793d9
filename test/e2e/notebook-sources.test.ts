import assert from 'node:assert/strict'
import {existsSync, readdirSync} from 'node:fs'
import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import type {BatchResult} from '../../plugins/notebook/src/batch/result.ts'
import type {NotebookRunResult} from '../../plugins/notebook/src/commands/notebook/run.ts'
import {parseNotebook} from '../../plugins/notebook/src/format/read.ts'
import {envelope} from '../helpers/cli.ts'
import {examples} from '../helpers/examples.ts'
import type {TestJupyter} from '../helpers/jupyter-server.ts'
import {type ObjectStore, startObjectStore} from '../helpers/object-store.ts'
import {ended, scheduleBed, type ScheduleBed} from '../helpers/schedule-bed.ts'
import {assertRefused, jupyterThere, type Workbench} from '../helpers/workbench.ts'

const cellOf = (source: string, tags: string[] = []) => ({cell_type: 'code', metadata: {tags}, source, outputs: [], execution_count: null})
const notebookOf = (...cells: object[]): string => JSON.stringify({cells, metadata: {kernelspec: {name: 'python3', display_name: 'Python'}}, nbformat: 4, nbformat_minor: 4})
const printed = (text: string | undefined): string[] => parseNotebook(text ?? assert.fail('there is no copy'), 'copy').cells
  .flatMap((cell) => (cell.cell_type === 'code' ? cell.outputs.map((one) => (one.output_type === 'stream' ? one.text : one.output_type)) : []))

describe('notebooks from elsewhere', function () {
  this.timeout(120_000) // a schedule takes its time on a busy machine
  let bed: ScheduleBed
  let bench: Workbench
  let server: TestJupyter
  let store: ObjectStore
  before(async () => {
    bed = await scheduleBed()
    ;({bench} = bed)
    store = await startObjectStore()
    bench.onRemove(() => store.close())
    server = await jupyterThere(bench)
    Object.assign(bench.home.env, {AWS_ENDPOINT_URL_S3: `${store.url}/s3`, AWS_ACCESS_KEY_ID: 'AKIDTEST', AWS_SECRET_ACCESS_KEY: 'secret-of-s3', CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE: store.url, CLOUDSDK_AUTH_ACCESS_TOKEN: 'token-of-gs'})
  })
  after(() => bench.remove())
  const run = (...args: string[]) => bench.cli(['notebook', 'run', ...args])

  it('are read at an address, and their copy goes to one', async () => {
    store.put('web/sum.ipynb', notebookOf(cellOf('a = 1', ['parameters']), cellOf('print(a + 1)')))
    const address = `${store.url.replace('//', '//me:password-of-web@')}/web/sum.ipynb?sig=signature-of-web`
    const own = join(bench.home.path, 'tmp')
    await mkdir(own)
    const done = envelope<NotebookRunResult>(await bench.cli(['notebook', 'run', address, '-o', 's3://bucket/done/sum.ipynb', '-p', 'a', '41', '--json'], {env: {TMPDIR: own}}))
    assert.ok(done.ok, JSON.stringify(done))
    assert.deepEqual([done.data.notebook, done.data.output], [`${store.url}/web/sum.ipynb`, 's3://bucket/done/sum.ipynb'])
    assert.deepEqual(printed(store.text('s3/bucket/done/sum.ipynb')), ['42\n'])
    assert.deepEqual(readdirSync(own).filter((name) => name.startsWith('cgpu-notebook-')), [], 'nothing of it is left here')
    const shown = await bench.cli(['nb', 'show', 's3://bucket/done/sum.ipynb'])
    assert.match(shown.stdout, /42/)
    for (const text of [JSON.stringify(done), shown.stderr]) assert.doesNotMatch(text, /password-of|signature-of|secret-of/)
  })

  it('leave what there is of a run that fails at its address, and say where', async () => {
    store.put('gs/bucket/fails.ipynb', notebookOf(cellOf('print("before")'), cellOf('1/0')))
    const failed = await run('gs://bucket/fails.ipynb', '--inplace', '--no-error-markers')
    assert.equal(failed.status, 1, failed.stderr)
    assert.match(failed.stderr, /ZeroDivisionError: division by zero\nfix: see the executed copy: gs:\/\/bucket\/fails\.ipynb\n$/)
    assert.deepEqual(printed(store.text('gs/bucket/fails.ipynb')), ['before\n', 'error'])
  })

  it('are refused before a kernel starts where their copy could not be written', async () => {
    await bench.file('local.ipynb', notebookOf(cellOf('1')))
    const before = (await bench.data<unknown[]>(['history', 'list'])).length
    const cases: [args: string[], status: number][] = [
      [['local.ipynb', '-o', 's3://none/x.ipynb'], 73], [['local.ipynb', '--include', 'nothing'], 66], [['local.ipynb', '--parallel', '2', '-o', 's3://none/x/'], 73],
    ]
    for (const [args, status] of cases) assertRefused(await run(...args), status, args.join(' '))
    assert.equal((await bench.data<unknown[]>(['history', 'list'])).length, before)
  })

  it('take files along, and bring results back, also of a run that fails', async () => {
    await bench.file('work/reads.ipynb', notebookOf(cellOf('import os\nos.makedirs("out/deep", exist_ok=True)\nopen("out/deep/sum.txt", "w").write(open("data/in.txt").read() + open("more/a.txt").read())\nopen("out/other", "w").close()'), cellOf('raise KeyError("late")')))
    await bench.file('work/data/in.txt', 'in ')
    await bench.file('work/more/a.txt', 'more')
    await mkdir(join(server.root, 'jobs'), {recursive: true})
    const failed = await run('work/reads.ipynb', '--cwd', 'jobs', '--include', 'work/data', '--include', 'work/more', '--fetch', 'out/**/*.txt', '--fetch', 'nothing*')
    assert.equal(failed.status, 1, failed.stderr)
    assert.match(failed.stderr, /warning: --fetch nothing\*: nothing matches on there\n/)
    assert.equal(await readFile(join(bench.home.cwd, 'work/out/deep/sum.txt'), 'utf8'), 'in more', failed.stderr)
    assert.deepEqual([existsSync(join(server.root, 'jobs/data/in.txt')), existsSync(join(bench.home.cwd, 'work/out/other'))], [true, false])
  })

  it('go in batches: each is read once, its data travels along, and what each run leaves comes back by itself', async () => {
    store.put('web/many.ipynb', notebookOf(cellOf('a = 1', ['parameters']), cellOf('open(f"result-{a}.txt", "w").write(open("lent/in.txt").read() * a)')))
    await bench.file('lent/in.txt', 'x')
    const address = `${store.url.replace('//', '//me:password-of-web@')}/web/many.ipynb?sig=signature-of-web`
    const batch = [address, '--grid', 'a=1,2', '--parallel', '2', '-o', 's3://bucket/many/', '--include', 'lent', '--fetch', 'result-{a}.txt', '--html', 'many.html', '--skip-done', '--json']
    store.asked.splice(0)
    const done = envelope<BatchResult>(await run(...batch))
    assert.ok(done.ok, JSON.stringify(done))
    assert.deepEqual(done.data.runs.map(({notebook, output, status}) => [notebook, output, status]), [1, 2].map((a) => [`${store.url}/web/many.ipynb`, `s3://bucket/many/many.a=${a}.ipynb`, 'ok']))
    assert.equal(store.asked.filter(({method, path}) => method === 'GET' && path.startsWith('/web/many')).length, 1)
    for (const a of [1, 2]) assert.equal(await readFile(join(bench.home.cwd, `many.a=${a}_files/result-${a}.txt`), 'utf8'), 'x'.repeat(a))
    assert.doesNotMatch(JSON.stringify(done) + await readFile(join(bench.home.cwd, 'many.html'), 'utf8'), /password-of|signature-of|secret-of/)
    const again = envelope<BatchResult>(await run(...batch))
    assert.deepEqual(again.ok && again.data.counts, {ok: 0, failed: 0, skipped: 2, notRun: 0}, JSON.stringify(again))
    const [entry] = await bench.data<{id: string}[]>(['history', 'list'])
    const line = await bench.cli(['history', 'rerun', entry?.id ?? '', '--dry-run'])
    assert.match(line.stdout, /cgpu notebook run \S+\/web\/many\.ipynb --runtime there --include lent --fetch result-(\d)\.txt --out s3:\/\/bucket\/many\/many\.a=\1\.ipynb --fetch-to many\.a=\1_files --parameters=a=\1\n$/)
  })

  it('run at set times', async () => {
    await writeFile(join(bench.home.cwd, 'timely.ipynb'), notebookOf(cellOf('a = 1', ['parameters']), cellOf('print("at", a)')))
    const made = envelope<{name: string; argv: string[]}>(await bench.cli(['notebook', 'schedule', 'timely.ipynb', '--every', '1s', '--runtime', 'there', '-p', 'a', '7', '-o', 'timed.ipynb', '--json']))
    assert.ok(made.ok, JSON.stringify(made))
    const here = (name: string): string => join(bench.home.cwd, name)
    assert.deepEqual([made.data.name, made.data.argv], ['timely', ['notebook', 'run', here('timely.ipynb'), '--runtime=there', `--out=${here('timed.ipynb')}`, '--parameters=a=7']])
    const {runs} = await bed.shows('timely', ended(1))
    assert.equal(runs.findLast(({state}) => state === 'exited')?.exitStatus, 0, (await bench.cli(['schedule', 'logs', 'timely'])).stdout)
    await bed.remove('timely')
    assert.deepEqual(printed(await readFile(here('timed.ipynb'), 'utf8')), ['at 7\n'])
    assertRefused(await bench.cli(['notebook', 'schedule', 'timely.ipynb', '--every', 'often']), 64)
  })

  it('are put into schedules as the examples show', async () => {
    await bench.file('analysis.ipynb', notebookOf(cellOf('epochs = 1', ['parameters'])))
    for (const line of examples('plugins/notebook').filter((one) => one.startsWith('cgpu notebook schedule '))) {
      const {status, stderr} = await bench.cli(line.split(' ').slice(1))
      assert.equal(status, 0, `${line}\n${stderr}`)
    }
    await bed.remove('analysis', 'hourly')
  })
})
