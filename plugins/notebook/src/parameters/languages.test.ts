import assert from 'node:assert/strict'
import {spawnSync} from 'node:child_process'
import {runInThisContext} from 'node:vm'
import fc from 'fast-check'
import {inspect} from './inspect.ts'
import {languageNamed, languages} from './languages.ts'
import {bash} from './languages/bash.ts'
import {javascript} from './languages/javascript.ts'
import {julia} from './languages/julia.ts'
import {python} from './languages/python.ts'
import {r} from './languages/r.ts'
import {parameterSource} from './translate.ts'
import type {Value} from './value.ts'

const titles = languages.map(({title}) => title)
const named = (title: string) => languages.find((one) => one.title === title) ?? assert.fail(title)

/** any value, with what tends to break quoting among its text */
const texts = fc.oneof({weight: 3, arbitrary: fc.string({unit: 'grapheme', maxLength: 12})}, fc.string({unit: fc.constantFrom(...Array.from('\'"`$\\\n\r\t#%{}()[]! ;\u0001\u007F\u00E9\u2028\u{1F600}')), maxLength: 8}))
  .map((text) => text.replaceAll('\0', ''))
const keys = texts.filter((text) => text !== '')
const integers = fc.oneof(fc.bigInt({min: -1000n, max: 1000n}), fc.bigInt({min: -(2n ** 70n), max: 2n ** 70n}), fc.constantFrom(2n ** 53n, 2n ** 63n, -(2n ** 63n)))
const scalars = fc.oneof(fc.constant(null), fc.boolean(), integers, fc.double(), texts)
const values = fc.letrec<{value: Value; list: Value[]; map: Record<string, Value>}>((tie) => ({
  value: fc.oneof({maxDepth: 2}, scalars, tie('list'), tie('map')), list: fc.array(tie('value'), {maxLength: 3}), map: fc.dictionary(keys, tie('value'), {maxKeys: 3}),
})).value

/** an interpreter's answer to a program on its stdin; undefined where this machine has none */
function answerOf(program: string, args: readonly string[], input: string): string | undefined {
  const {error, status, stdout, stderr} = spawnSync(program, args, {input, encoding: 'utf8', maxBuffer: 1 << 26})
  if (error) return undefined
  assert.equal(status, 0, stderr)
  return stdout
}

/** a value in one line of ASCII, as the programs below print it; whole numbers with `digits`, else as doubles */
function canonical(value: Value, digits: boolean): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'bigint') return digits ? `i${value}` : canonical(Number(value), digits)
  if (typeof value === 'number') return Number.isNaN(value) ? 'nan' : `f${bits(value)}`
  if (typeof value === 'string') return `"${Array.from(value, (one) => one.codePointAt(0)).join(' ')}"`
  if (Array.isArray(value)) return `[${value.map((one) => canonical(one, digits)).join(',')}]`
  return `{${Object.entries(value).map(([key, one]) => `${canonical(key, digits)}:${canonical(one, digits)}`).join(',')}}`
}

function bits(value: number): string {
  const buffer = Buffer.alloc(8)
  buffer.writeDoubleBE(value)
  return buffer.toString('hex')
}

describe('parameters in other languages', () => {
  it('are written as each has them', () => {
    const max = 2n ** 64n
    const cases: [value: Value, ...expected: string[]][] = [
      // Julia, Scala, MATLAB, Octave, C#, F#, PowerShell, Bash, JavaScript
      [null, 'nothing', 'None', 'NaN', 'NaN', 'null', 'None', '$null', "''", 'null'],
      [true, 'true', 'true', 'true', 'true', 'true', 'true', '$true', 'true', 'true'],
      [-3n, '-3', '-3', '-3', '-3', '-3', '-3', '-3', '-3', '-3'],
      [2n ** 31n, '2147483648', '2147483648L', '2147483648', '2147483648', '2147483648L', '2147483648L', '2147483648', '2147483648', '2147483648'],
      [2n ** 62n, '4611686018427387904', '4611686018427387904L', 'int64(4611686018427387904)', 'int64(4611686018427387904)', '4611686018427387904L', '4611686018427387904L', '4611686018427387904', '4611686018427387904', '4611686018427387904n'],
      [max, '18446744073709551616', 'BigInt("18446744073709551616")', '18446744073709551616', '18446744073709551616', 'System.Numerics.BigInteger.Parse("18446744073709551616")', '18446744073709551616I', '[System.Numerics.BigInteger]::Parse("18446744073709551616")', '18446744073709551616', '18446744073709551616n'],
      [2, '2.0', '2.0', '2.0', '2.0', '2.0', '2.0', '2.0', '2.0', '2.0'],
      [1e-7, ...Array.from({length: 9}, () => '1e-07')],
      [Number.NaN, 'NaN', 'Double.NaN', 'NaN', 'NaN', 'double.NaN', 'nan', '[double]::NaN', 'nan', 'NaN'],
      [-Infinity, '-Inf', 'Double.NegativeInfinity', '-Inf', '-Inf', 'double.NegativeInfinity', '-infinity', '[double]::NegativeInfinity', '-inf', '-Infinity'],
      ['a"b$c`\\', '"a\\"b\\$c`\\\\"', '"a\\"b$c`\\\\"', '"a""b$c`\\"', '"a\\"b$c`\\\\"', '"a\\"b$c`\\\\"', '"a\\"b$c`\\\\"', '"a`"b`$c``\\"', "'a\"b$c`\\'", '"a\\"b$c`\\\\"'],
      ["it's\n", '"it\'s\\n"', '"it\'s\\n"', '("it\'s" + char(10) + "")', '"it\'s\\n"', '"it\'s\\n"', '"it\'s\\n"', '"it\'s`n"', "'it'\"'\"'s\n'", '"it\'s\\n"'],
      ['é😀', '"\\u00e9\\U0001f600"', '"\\u00e9\\ud83d\\ude00"', '"é😀"', '"\\303\\251\\360\\237\\230\\200"', '"\\u00e9\\U0001f600"', '"\\u00e9\\U0001f600"', '"`u{e9}`u{1f600}"', "'é😀'", '"é😀"'],
      [[1n, 2n], '[1, 2]', 'Seq(1, 2)', '{1, 2}', '{1, 2}', 'new [] { 1, 2 }', '[ 1; 2 ]', '@(1, 2)', '(1 2)', '[1, 2]'],
      [[1n, 'x'], 'Any[1, "x"]', 'Seq[Any](1, "x")', '{1, "x"}', '{1, "x"}', 'new object[] { 1, "x" }', '[ box (1); box ("x") ]', '@(1, "x")', '(1 x)', '[1, "x"]'],
      [[[1n]], 'Any[[1]]', 'Seq(Seq(1))', '{{1}}', '{{1}}', 'new object[] { new [] { 1 } }', '[ box ([ 1 ]) ]', '@(,@(1))', "'[[1]]'", '[[1]]'],
      [[], 'Any[]', 'Seq()', '{}', '{}', 'new object[] {  }', '([]: obj list)', '@()', '()', '[]'],
      [{k: null}, 'Dict{String, Any}("k" => nothing)', 'Map[String, Any]("k" -> None)', 'containers.Map({char("k")}, {NaN}, "UniformValues", false)', 'containers.Map({"k"}, {NaN}, "UniformValues", false)',
        'new System.Collections.Generic.Dictionary<string, object> { { "k", null } }', 'Map.ofList [ ("k", null) ]', '@{"k" = $null}', "(['k']='')", '{"k": null}'],
    ]
    for (const [value, ...expected] of cases) assert.deepEqual(languages.slice(2).map((language) => language.literal(value)), expected)
  })

  it('are a statement of their own, behind a comment', () => {
    const sources = languages.map((language) => parameterSource({a: 1n, b: null}, language))
    assert.deepEqual(sources, [
      '# Parameters\na = 1\nb = None\n', '# Parameters\na = 1\nb = NULL\n', '# Parameters\na = 1\nb = nothing\n', '// Parameters\nval a = 1\nval b = None\n', '% Parameters\na = 1;\nb = NaN;\n', '% Parameters\na = 1;\nb = NaN;\n',
      '// Parameters\nvar a = 1;\nobject b = null;\n', '// Parameters\nlet a = 1\nlet b: obj option = None\n', '# Parameters\n$a = 1\n$b = $null\n', "# Parameters\na=1\nb=''\n", '// Parameters\na = 1;\nb = null;\n',
    ])
    assert.equal(parameterSource({m: {k: 1n}}, bash), "# Parameters\ndeclare -A m=(['k']=1)\n")
    for (const language of languages) for (const name of ['a b', 'a;b', '1a', 'a\n', '']) assert.throws(() => parameterSource({[name]: 1n}, language), {code: 'INVALID_PARAMETER'}, `${language.title} ${name}`)
    for (const language of [bash, r]) assert.throws(() => parameterSource({a: 'x\0'}, language), {code: 'INVALID_PARAMETER'})
  })

  it('are chosen by the kernel, then by the language', () => {
    const cases: [kernel: string | undefined, language: string | undefined, title: string | undefined][] = [
      [undefined, undefined, 'Python'], ['python3', undefined, 'Python'], ['ir', 'R', 'R'], ['julia-1.11', 'julia', 'Julia'], ['scala213', 'scala', 'Scala'], ['apache_toree_scala', undefined, 'Scala'], ['jupyter_matlab_kernel', 'matlab', 'MATLAB'],
      ['octave', 'octave', 'Octave'], ['.net-csharp', 'C#', 'C#'], ['.net-fsharp', 'F#', 'F#'], ['.net-powershell', 'PowerShell', 'PowerShell'], ['bash', 'bash', 'Bash'], ['deno', 'typescript', 'JavaScript'], ['tslab', 'typescript', 'JavaScript'],
      ['jslab', 'javascript', 'JavaScript'], ['mine', 'python', 'Python'], ['pysparkkernel', 'python', 'Python'], ['sparkrkernel', 'r', 'R'], ['sparkkernel', 'scala', 'Scala'], ['sas', 'SAS', undefined],
    ]
    for (const [kernel, language, title] of cases) assert.equal(languageNamed(kernel, language)?.title, title, `${kernel} ${language}`)
    assert.equal(new Set(titles).size, titles.length)
  })

  it('are found in the cell that declares them', () => {
    const cases: [title: string, source: string, found: [name: string, type: string | null, value: string, help: string | null][]][] = [
      ['R', '# how\nlr <- 1e-3  # learning rate\nmodel.name = "a#b" # type: character\n.n <- 3L\nflags <- c(TRUE,\n  FALSE)\nif (a == 1) b <- 2\nf(x)\nraw <<- list(a = 1)\nok <- TRUE\n', [
        ['lr', 'float', '1e-3', 'learning rate'], ['model.name', 'character', '"a#b"', null], ['.n', 'int', '3L', null], ['flags', 'list', 'c(TRUE,   FALSE)', null], ['raw', 'list', 'list(a = 1)', null], ['ok', 'bool', 'TRUE', null]]],
      ['Julia', 'using Test\nlr::Float64 = 1e-3  # learning rate\nconst α = 2\nname = "a#b\\"" # what\nlayers = [1,\n  2] # two\nA = B\'  # transposed\nopts = Dict("a" => 1)\nx == 1\nok = true\ntext = """\na = 1\n"""\n', [
        ['lr', 'Float64', '1e-3', 'learning rate'], ['α', 'int', '2', null], ['name', 'str', '"a#b\\""', 'what'], ['layers', 'list', '[1,   2]', 'two'], ['A', null, "B'", 'transposed'], ['opts', 'dict', 'Dict("a" => 1)', null], ['ok', 'bool', 'true', null], ['text', 'str', '"""\na = 1\n"""', null]]],
      ['Scala', 'val n: Int = 3 // how many\nvar s = "x"\ndef f(x: Int) = 1\n', [['n', 'Int', '3', 'how many'], ['s', 'str', '"x"', null]]],
      ['C#', 'int n = 3; // how many\nvar s = "a//b";\nList<string> l = new();\nusing System;\n', [['n', 'int', '3', 'how many'], ['s', 'str', '"a//b"', null], ['l', 'List<string>', 'new()', null]]],
      ['F#', 'let n: int = 3 // how many\nlet mutable s = "x"\n', [['n', 'int', '3', 'how many'], ['s', 'str', '"x"', null]]],
      ['PowerShell', '$n = 3 # how many\n[string]$s = "x"\n$ok = $true\n', [['n', 'int', '3', 'how many'], ['s', 'string', '"x"', null], ['ok', 'bool', '$true', null]]],
      ['MATLAB', "n = 3; % how many\ns = 'a % b';\n", [['n', 'int', '3', 'how many'], ['s', 'str', "'a % b'", null]]],
      ['Bash', 'n=3 # how many\nexport s="a # b"\ndeclare -A m=([a]=1)\ne=\nn = 3\n', [['n', 'int', '3', 'how many'], ['s', 'str', '"a # b"', null], ['m', null, '([a]=1)', null], ['e', null, '', null]]],
      ['JavaScript', 'let n = 3; // how many\nconst s: string = `a // b`\nx => 1\nvar o = {a: 1}\n', [['n', 'int', '3', 'how many'], ['s', 'string', '`a // b`', null], ['o', 'dict', '{a: 1}', null]]],
    ]
    for (const [title, source, found] of cases) assert.deepEqual(inspect(source, named(title)).map(({name, type, default: value, help}) => [name, type, value, help]), found, title)
  })

  it('are read by JavaScript as they were meant', () => {
    const meant = (value: Value): unknown => {
      if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value
      if (Array.isArray(value)) return value.map(meant)
      return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, meant(one)])) : value
    }
    fc.assert(fc.property(values, (value) => assert.deepStrictEqual(runInThisContext(`(${javascript.literal(value)})`), meant(value))), {seed: 7})
    assert.deepEqual(Object.keys(runInThisContext(`(${javascript.literal(JSON.parse('{"__proto__": 1}') as Value)})`) as object), ['__proto__'])
  })

  it('are read by Python as they were meant', function () {
    this.timeout(20_000)
    const all = fc.sample(values, {numRuns: 100, seed: 7})
    const program = `import struct, sys
def told(v):
    if v is None: return 'null'
    if isinstance(v, bool): return str(v).lower()
    if isinstance(v, int): return 'i%d' % v
    if isinstance(v, float): return 'nan' if v != v else 'f' + struct.pack('>d', v).hex()
    if isinstance(v, str): return '"' + ' '.join(str(ord(c)) for c in v) + '"'
    if isinstance(v, list): return '[' + ','.join(map(told, v)) + ']'
    return '{' + ','.join(told(k) + ':' + told(o) for k, o in v.items()) + '}'
${all.map((value) => `print(told(${python.literal(value)}))`).join('\n')}\n`
    const answer = answerOf(process.env['CGPU_TEST_PYTHON'] ?? 'python3', ['-'], program)
    if (answer !== undefined) assert.deepEqual(answer.trim().split('\n'), all.map((value) => canonical(value, true)))
  })

  it('are read by R as they were meant', function () {
    this.timeout(20_000)
    // a float too small for its full precision is read with a unit less by R itself
    const tame = (value: Value): boolean => typeof value === 'number' ? value === 0 || !Number.isFinite(value) || (Math.abs(value) > 1e-290 && Math.abs(value) < 1e290) : typeof value !== 'object' || value === null || Object.values(value).every(tame)
    const all = fc.sample(values.filter(tame), {numRuns: 60, seed: 7})
    const program = `told <- function(v) {
  if (is.null(v)) return('null')
  if (is.list(v)) {
    parts <- vapply(seq_along(v), function(i) { one <- v[[i]]; told(one) }, '')
    if (is.null(names(v))) return(paste0('[', paste(parts, collapse = ','), ']'))
    return(paste0('{', paste(paste0(vapply(names(v), told, ''), ':', parts), collapse = ','), '}'))
  }
  if (is.logical(v)) return(tolower(as.character(v)))
  if (is.character(v)) return(paste0('"', paste(utf8ToInt(enc2utf8(v)), collapse = ' '), '"'))
  if (is.nan(v)) return('nan')
  sprintf('%.17g', v)
}
${all.map((value) => `cat(told(${r.literal(value)}), '\\n', sep = '')`).join('\n')}\n`
    const answer = answerOf('Rscript', ['--vanilla', '-'], program)
    if (answer === undefined) return
    const near = (line: string): string => line.replace(/(?<![\d "])-?(?:[\d.]+(?:e[+-]?\d+)?|Inf)(?![\d "])/g, (one) => Number(one.replace('Inf', 'Infinity')).toPrecision(14))
    const doubles = (value: Value): string => typeof value === 'bigint' || typeof value === 'number' ? (Number.isNaN(Number(value)) ? 'nan' : Number(value).toPrecision(14))
      : Array.isArray(value) ? `[${value.map(doubles).join(',')}]` : typeof value === 'object' && value !== null
        ? Object.keys(value).length === 0 ? '[]' : `{${Object.entries(value).map(([key, one]) => `${doubles(key)}:${doubles(one)}`).join(',')}}` : canonical(value, false)
    assert.deepEqual(answer.trim().split('\n').map(near), all.map(doubles))
  })

  it('are read by Bash as they were meant', () => {
    const flat = fc.oneof(texts, fc.array(texts, {maxLength: 3}), fc.dictionary(keys.filter((key) => !/["$`\\[\]]/.test(key)), texts, {minKeys: 1, maxKeys: 1}))
    const all: Value[] = fc.sample(flat, {numRuns: 150, seed: 7})
    const each = all.map((value) => `unset v; ${(bash.assign?.('v', value) ?? '')}; printf '%s\\0' "\${#v[@]}" ${typeof value === 'object' && !Array.isArray(value) ? '"${!v[@]}" ' : ''}"\${v[@]}"\n`)
    const answer = answerOf('bash', ['--noprofile', '--norc'], each.join(''))
    const meant = all.map((value) => typeof value === 'string' ? ['1', value] : Array.isArray(value) ? [String(value.length), ...(value as string[])] : ['1', ...Object.keys(value as object), ...Object.values(value as Record<string, string>)])
    // printf prints one empty argument where there is none
    if (answer !== undefined) assert.deepEqual(answer.split('\0').slice(0, -1), meant.flat())
    assert.equal(JSON.parse(answerOf('bash', ['-c', `${bash.assign?.('v', [{a: "it's"}])}; printf %s "$v"`], '') ?? '[{"a": "it\'s"}]')[0].a, "it's")
  })

  it('in Julia have no variables inserted', () => {
    fc.assert(fc.property(texts, (text) => {
      assert.match(julia.literal(text), /^"(?:[ !#%-[\]-~]|\\(?:["$\\nrt]|x[0-7][0-9a-f]|u[0-9a-f]{4}|U[0-9a-f]{8}))*"$/)
    }))
  })
})
