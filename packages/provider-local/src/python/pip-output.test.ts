import assert from 'node:assert/strict'
import {pipDetail, pipProgress} from './pip-output.ts'

describe('what pip says', () => {
  const lines: [string, string | undefined][] = [
    ['Collecting jupyter_server==2.21.1', 'looking for jupyter_server'],
    ['  Downloading https://files.example/ab/jupyter_server-2.21.1-py3-none-any.whl (388 kB)', 'downloading jupyter_server (388 kB)'],
    ['Downloading pyzmq-27.1.0-cp311-cp311-manylinux_2_26_x86_64.whl (862 kB)', 'downloading pyzmq (862 kB)'],
    ['  Downloading tornado-6.5.2.tar.gz.metadata', 'downloading tornado'],
    ['Installing collected packages: webencodings, ptyprocess, pure-eval', 'unpacking 3 packages'],
    ["WARNING: Retrying (Retry(total=4, connect=None)) after connection broken by 'NewConnectionError'", 'the package index does not answer, trying again'],
    ['  Using cached x-1.0.whl (1 kB)', undefined],
    ['Requirement already satisfied: six in /x', undefined],
    ['', undefined],
  ]
  for (const [line, message] of lines) {
    it(`${JSON.stringify(line.trim().slice(0, 40))} is ${message ?? 'nothing to tell'}`, () => {
      assert.equal(pipDetail(line), message)
    })
  }

  it('says nothing twice', () => {
    const said: string[] = []
    const tell = pipProgress(({detail}) => said.push(detail ?? ''))
    for (const line of ['Collecting a', 'Collecting a', 'Collecting b', 'noise']) tell(line)
    assert.equal(said.length, 2)
  })
})
