import assert from 'node:assert/strict'
import fc from 'fast-check'
import {localName} from './local-name.ts'
import {parseRef, quoted} from './refs.ts'

describe('names of notebooks in Drive', () => {
  it('become file names of this folder', () => {
    const cases: [name: string, file: string][] = [
      ['train.ipynb', 'train.ipynb'], ['train', 'train.ipynb'], ['a/b', 'a_b.ipynb'], ['../../etc/passwd', '_.._etc_passwd.ipynb'], ['.hidden', 'hidden.ipynb'], ['', 'notebook.ipynb'], ['...', 'notebook.ipynb'],
      ['CON', '_CON.ipynb'], ['-rf', 'rf.ipynb'], ['x\u001b[2Jy', 'x[2Jy.ipynb'], ['Untitled (1).ipynb', 'Untitled (1).ipynb'], ['数据.IPYNB', '数据.ipynb'],
    ]
    for (const [name, file] of cases) assert.equal(localName(name), file)
    fc.assert(fc.property(fc.string({unit: 'binary-ascii'}), (name) => /^[^/\\\p{Cc}:*?"<>|.\s-][^/\\\p{Cc}:*?"<>|]*\.ipynb$/u.test(localName(name))))
  })

  it('are told from ids and addresses', () => {
    const id = '1a2B3c4D5e6F7g8H9i0JkLmNoPqRsTuVw'
    for (const link of [
      `https://colab.research.google.com/drive/${id}?authuser=1#scrollTo=abc`, `https://drive.google.com/file/d/${id}/view?usp=sharing`, `https://drive.google.com/open?id=${id}`,
      `https://drive.google.com/drive/u/0/folders/${id}`, `https://docs.google.com/document/d/${id}/edit`, `drive:https://colab.research.google.com/drive/${id}`, `http://127.0.0.1:8/drive/${id}`,
    ]) assert.deepEqual(parseRef(link, 'http://127.0.0.1:8'), {kind: 'id', id}, link)
    for (const link of ['https://colab.research.google.com/github/a/b', 'https://example.com/drive/x', `https://drive.google.com.example/open?id=${id}`, 'https://drive.google.com/open?id=../x', 'https://']) assert.throws(() => parseRef(link), {code: 'INVALID_LINK'}, link)
    assert.deepEqual(parseRef(id), {kind: 'name', name: id, maybeId: true})
    assert.deepEqual(parseRef('drive:lab/x.ipynb'), {kind: 'name', name: 'lab/x.ipynb', maybeId: false})
    assert.deepEqual(parseRef('/x'), {kind: 'name', name: 'x', maybeId: false})
    assert.throws(() => parseRef('drive:'), {code: 'INVALID_NAME'})
    assert.equal(quoted("it's \\ x"), "'it\\'s \\\\ x'")
  })
})
