import assert from 'node:assert/strict'
import {builtInSchemes, type FetchPlan, isRemoteSource, schemeOf, shownAddress} from './plan.ts'

const planOf = async (address: string): Promise<FetchPlan> => {
  const handler = builtInSchemes[schemeOf(address)]
  assert.ok(handler, address)
  return handler(address)
}
const urlOf = async (address: string): Promise<string | undefined> => {
  const [way] = (await planOf(address)).ways
  return way && 'url' in way ? way.url : undefined
}

describe('addresses that a machine fetches', () => {
  it('are told from paths', () => {
    for (const text of ['https://x/y', 'http://x', 'gs://b/o', 'hf://a/b/c', 'kaggle:a/b', 'drive:1AbcdefghijklmnopQ', 'my+own://x']) assert.ok(isRemoteSource(text), text)
    for (const text of ['trainer:/data', 'trainer:data', 'data.csv', './https://x', 'C:\\x', 'c://x', '/a:b', '', ':', 'drive', 'a b://x']) assert.ok(!isRemoteSource(text), text)
  })

  it('are shown without their secrets', () => {
    assert.equal(shownAddress('https://me:pass@host/a/b?sig=secret#frag'), 'https://host/a/b')
    assert.equal(shownAddress('https://host/a\u001b[2J@b'), 'https://host/a\\x1b[2J@b')
  })

  const urls: [address: string, url: string, name: string][] = [
    ['https://host/a/data%20one.bin?x=1', 'https://host/a/data%20one.bin?x=1', 'data one.bin'],
    ['https://host/', 'https://host/', ''],
    ['https://host/a/%2e%2e', 'https://host/a/%2e%2e', ''],
    ['https://host/..%2f..%2fetc', 'https://host/..%2f..%2fetc', ''],
    ['gs://bucket/a b/c?d.csv', 'https://storage.googleapis.com/bucket/a%20b/c%3Fd.csv', 'c?d.csv'],
    ['s3://bucket/k/v.parquet', 'https://bucket.s3.amazonaws.com/k/v.parquet', 'v.parquet'],
    ['s3://my.bucket/k', 'https://s3.amazonaws.com/my.bucket/k', 'k'],
    ['hf://owner/model/model.safetensors', 'https://huggingface.co/owner/model/resolve/main/model.safetensors', 'model.safetensors'],
    ['hf://datasets/owner/set@v1/a/train.csv', 'https://huggingface.co/datasets/owner/set/resolve/v1/a/train.csv', 'train.csv'],
    ['hf://owner/model@refs/pr/3/x', 'https://huggingface.co/owner/model/resolve/refs%2Fpr%2F3/x', 'x'],
    ['kaggle:zillow/zecon', 'https://www.kaggle.com/api/v1/datasets/download/zillow/zecon', 'zecon.zip'],
    ['kaggle://zillow/zecon/State.csv', 'https://www.kaggle.com/api/v1/datasets/download/zillow/zecon/State.csv', 'State.csv'],
    ['drive:1AbcdefghijklmnopQ', 'https://drive.usercontent.google.com/download?id=1AbcdefghijklmnopQ&export=download&confirm=t', '1AbcdefghijklmnopQ'],
    ['drive:https://drive.google.com/file/d/1AbcdefghijklmnopQ/view?usp=sharing', 'https://drive.usercontent.google.com/download?id=1AbcdefghijklmnopQ&export=download&confirm=t', '1AbcdefghijklmnopQ'],
  ]
  for (const [address, url, name] of urls) {
    it(address, async () => {
      assert.equal(await urlOf(address), url)
      assert.equal((await planOf(address)).name, name)
    })
  }

  for (const address of ['https://', 'gs://bucket', 'gs://bucket/', 'gs://b/folder/', 's3://B/x', 'hf://owner/x', 'hf://owner/model/', 'hf://-a/b@-x/-c', 'kaggle:owner', 'kaggle:-a/b', 'drive:short', 'drive:../../etc/passwd/xxxxx!']) {
    it(`refuses ${address}`, async () => assert.rejects(async () => planOf(address), {code: 'INVALID_ADDRESS'}))
  }

  it('no word of an address becomes a flag of a program', async () => {
    for (const address of ['gs://bucket/-rf', 's3://bucket/--x', 'kaggle:a/b/c']) {
      for (const way of (await planOf(address)).ways) if ('argv' in way) assert.ok(way.argv.slice(3).every((word) => !/^-r|^--x/.test(word)), address)
    }
  })
})
