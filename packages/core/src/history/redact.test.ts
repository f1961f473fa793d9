import assert from 'node:assert/strict'
import * as fc from 'fast-check'
import {HistoryRedactor, isSecretName} from './redact.ts'

const plain = new HistoryRedactor()

describe('what the history keeps of secrets', () => {
  const gone: [text: string, kept: string][] = [
    ['curl -H "Authorization: Bearer abcdefgh.ijk"', 'curl -H "Authorization: Bearer [redacted]"'],
    ['Authorization: Basic dXNlcjpwYXNz', 'Authorization: Basic dXNlcjpwYXNz'],
    ['Authorization: Basic dXNlcjpwYXNzMQ==', 'Authorization: Basic [redacted]'],
    ['ya29.a0AfB_byC-123456', '[redacted]'],
    ['key AIzaSyA1234567890abcdefghijklmnopqrstuv!', 'key [redacted]!'],
    ['ghp_0123456789abcdefghij0123456789abcdef', '[redacted]'],
    ['github_pat_11ABCDEFG0123456789_abcdefghij', '[redacted]'],
    ['login(hf_AbCdEfGhIjKlMnOpQrSt)', 'login([redacted])'],
    ['sk-proj-abcdefghijklmnop1234', '[redacted]'],
    ['AKIAIOSFODNN7EXAMPLE', '[redacted]'],
    ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl', '[redacted]'],
    ['-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nrest', '[redacted]\nrest'],
    ['git clone https://me:p@ss:w0rd@example.com/x.git', 'git clone https://me:[redacted]@example.com/x.git'],
    ['https://example.com/?a=1&token=abc#x', 'https://example.com/?a=1&token=[redacted]#x'],
    ['wandb login --api-key abc --project x', 'wandb login --api-key [redacted] --project x'],
    ['tool --password=hunter2 --verbose', 'tool --password=[redacted] --verbose'],
    ['api_key = "abcdefgh12"', 'api_key = [redacted]'],
    ["{'db_password': 'correct-horse'}", "{'db_password': [redacted]}"],
    ['export HF_TOKEN=abcdefgh && run', 'export HF_TOKEN=[redacted] && run'],
  ]
  for (const [text, kept] of gone) it(`of ${JSON.stringify(text).slice(0, 50)}`, () => assert.equal(plain.text(text), kept))

  for (const text of [
    'token = get_token()', 'max_tokens = 100', 'tokenizer = AutoTokenizer.from_pretrained("gpt2-medium")', 'pad_token="<|endoftext|>"', 'risk-assessment-of-something-long',
    'https://example.com/a:b@c', 'for token in tokens: print(token)', 'basic knowledge of tokens', 'python train.py --max-tokens 500 --tokenizer bpe', 'key = "abcdefgh12"', 'TOKEN=$HF_TOKEN run',
  ]) it(`leaves alone ${text}`, () => assert.equal(plain.text(text), text))

  it('takes arguments behind their flags', () => {
    assert.deepEqual(plain.args(['x', '--hf-token', 'abc', '--password=p', 'secret=1', '-token', '-v', '--tokens', '5', 'token']), ['x', '--hf-token', '[redacted]', '--password=[redacted]', 'secret=[redacted]', '-token', '-v', '--tokens', '5', 'token'])
  })

  it('takes values of the environment from what was printed, and secrets from everywhere', () => {
    const redactor = new HistoryRedactor(['hush-hush-hush'], ['/content/data'])
    assert.equal(redactor.text('hush-hush-hush /content/data'), '[redacted] /content/data')
    assert.equal(redactor.tail('hush-hush-hush /content/data', false), '[redacted] [redacted]')
  })

  it('never keeps a known secret, nor the end of one that was cut', () => {
    const secret = fc.string({minLength: 8, maxLength: 60, unit: 'binary-ascii'}).filter(text => /\S{8}/.test(text) && !'[redacted]'.includes(text))
    fc.assert(fc.property(secret, fc.string({maxLength: 30}), fc.string({maxLength: 30}), fc.nat(59), (value, before, after, cut) => {
      const redactor = new HistoryRedactor([value])
      for (const text of [redactor.text(before + value + after), redactor.args([before, value + after]).join(' '), redactor.tail(before + value + after, false)]) assert.ok(!text.includes(value))
      // of a tail that begins inside of it, 4 characters are more than may be left by chance
      const rest = value.slice(Math.min(cut, value.length - 1))
      const shown = redactor.tail(`${rest} then`, true)
      assert.ok(rest.trim().length < 4 || !shown.includes(rest), shown)
    }), {numRuns: 2000})
  })

  it('knows names of variables that hold secrets', () => {
    for (const name of ['HF_TOKEN', 'AWS_SECRET_ACCESS_KEY', 'db_password', 'API_KEY', 'GOOGLE_APPLICATION_CREDENTIALS']) assert.ok(isSecretName(name), name)
    for (const name of ['EPOCHS', 'DATA', 'CUDA_VISIBLE_DEVICES']) assert.ok(!isSecretName(name), name)
  })
})
