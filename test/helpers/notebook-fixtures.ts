// Notebooks for the conformance suite: each states what an executed copy of it holds.

export interface FixtureCell {
  source: string
  type?: 'code' | 'markdown' | 'raw'
  tags?: string[]
  /** of an earlier run */
  outputs?: object[]
  count?: number | null
  /** besides tags */
  metadata?: object
  id?: string
  attachments?: object
}

export interface Fixture {
  name: string
  cells: (FixtureCell | string)[]
  allowErrors?: boolean
  allowErrorNames?: string[]
  /** true: a cell ends the run; `exits`: with success, which nbclient takes for a failure */
  fails?: true | 'exits'
  /** YAML, as of `-y` */
  parameters?: string
  /** seconds */
  cellTimeout?: number
  /** of its format, 5 where it does not matter; below that cells have no ids */
  minor?: number
  /** of the notebook, besides its kernelspec */
  metadata?: object
  /** a kernel that nobody else has, of this name; cgpu runs the others one after the other on one */
  own?: string
  /** its kernel dies: what was on its way is lost or not */
  dies?: true
  /** of each code cell: its outputs, in short (see `shortly`); a count in front where it is the fixture's point */
  gives: string[][]
  /** of widgets: their models' outputs, in short */
  widgets?: Record<string, string[]>
}

const stale = [{output_type: 'stream', name: 'stdout', text: 'stale\n'}]
const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const display = 'from IPython.display import display, update_display, clear_output, HTML\n'
/** a widget as ipywidgets makes it, by the same comm messages */
const comm = `import comm, sys
def model(id, name, state=None, module='@jupyter-widgets/base', buffers=None, paths=None):
    base = {'_model_module': module, '_model_module_version': '2.0.0', '_model_name': name}
    return comm.create_comm(target_name='jupyter.widget', comm_id=id, data={'state': {**base, **(state or {})}, 'buffer_paths': paths or []}, buffers=buffers)
def capture(widget, on=True):
    sys.stdout.flush(); sys.stderr.flush()
    widget.send({'method': 'update', 'state': {'msg_id': get_ipython().kernel.get_parent()['header']['msg_id'] if on else ''}, 'buffer_paths': []})
`
const output = (id: string): string => `${comm}out = model('${id}', 'OutputModel', {'outputs': [], 'msg_id': ''}, '@jupyter-widgets/output')\n`

export const fixtures: Fixture[] = [
  {name: 'a print', cells: ['print("hello")'], gives: [['stdout: hello\n']]},
  {name: 'a result', cells: ['1 + 1'], gives: [['result: text/plain=2']]},
  {name: 'a result that nobody wants', cells: ['1 + 1;', 'None'], gives: [[], []]},
  {name: 'both streams in turn', cells: ['import sys\nfor i in range(3):\n    print(i, flush=True); print(i, file=sys.stderr, flush=True)'], gives: [['stdout: 0\n', 'stderr: 0\n', 'stdout: 1\n', 'stderr: 1\n', 'stdout: 2\n', 'stderr: 2\n']]},
  {name: 'pieces of one line', cells: ['import sys\nfor i in range(5):\n    print(i, end=" ", flush=True)'], gives: [['stdout: 0 1 2 3 4 ']]},
  {name: 'carriage returns', cells: ['print("10%\\r20%\\r30%\\nend\\r\\n", end="")'], gives: [['stdout: 10%\r20%\r30%\nend\r\n']]},
  {name: 'two thousand lines', cells: ['for i in range(2000): print(i)'], gives: [[`stdout: ${Array.from({length: 2000}, (_, i) => `${i}\n`).join('')}`]]},
  // more than a server with its usual limits sends at once
  {name: 'five megabytes', cells: ['print(("x" * 99 + "\\n") * 50_000, end="")'], gives: [[`stdout: ${`${'x'.repeat(99)}\n`.repeat(50_000)}`]]},
  {name: 'characters of many kinds', cells: ['print("ä€😀\\u2028\\x0b\\x1b[31mred\\x1b[0m")'], gives: [['stdout: ä€😀\u2028\v\u001b[31mred\u001b[0m\n']]},
  {name: 'nothing but a comment', cells: ['# nothing', 'pass'], gives: [[], []]},
  {name: 'a display with metadata', cells: [`${display}display({"text/plain": "p", "text/html": "<b>h</b>"}, raw=True, metadata={"text/html": {"isolated": True}})`], gives: [['display: text/html=<b>h</b> text/plain=p {"text/html":{"isolated":true}}']]},
  {name: 'JSON data', cells: [`${display}display({"application/json": {"a": [1, 2.5, None]}, "application/vnd.x+json": {"b": "c\\nd"}, "text/plain": "j"}, raw=True)`], gives: [['display: application/json={"a":[1,2.5,null]} application/vnd.x+json={"b":"c\\nd"} text/plain=j']]},
  {name: 'an image', cells: [`${display}display({"image/png": "${png}", "text/plain": "i"}, raw=True, metadata={"image/png": {"width": 1}})`], gives: [[`display: image/png=${png} text/plain=i {"image/png":{"width":1}}`]]},
  {name: 'LaTeX and SVG', cells: [`${display}display({"text/latex": "$x$", "image/svg+xml": "<svg/>\\n", "text/plain": "l"}, raw=True)`], gives: [['display: image/svg+xml=<svg/>\n text/latex=$x$ text/plain=l']]},
  {name: 'a result with its own bundle', cells: ['class Rich:\n    def _repr_mimebundle_(self, **_): return {"text/html": "<i>r</i>", "text/plain": "r"}, {"text/html": {"m": 1}}\nRich()'], gives: [['result: text/html=<i>r</i> text/plain=r {"text/html":{"m":1}}']]},
  {name: 'a print, a display and a result', cells: [`${display}print("a"); display(HTML("<b>b</b>")); "c"`], gives: [['stdout: a\n', 'display: text/html=<b>b</b> text/plain=<IPython.core.display.HTML object>', "result: text/plain='c'"]]},

  {name: 'an exception ends the run', cells: ['print("before")\n1/0', 'print("never")'], fails: true, gives: [['stdout: before\n', 'error: ZeroDivisionError: division by zero'], []]},
  {name: 'a cell that may raise', cells: [{source: '1/0', tags: ['raises-exception']}, 'print("after")'], gives: [['error: ZeroDivisionError: division by zero'], ['stdout: after\n']]},
  {name: 'errors that are allowed', cells: ['1/0', 'undefined_name', 'print("after")'], allowErrors: true, gives: [['error: ZeroDivisionError: division by zero'], ["error: NameError: name 'undefined_name' is not defined"], ['stdout: after\n']]},
  {name: 'an error that is allowed by name', cells: ['1/0', 'print("after")'], allowErrorNames: ['KeyError', 'ZeroDivisionError'], gives: [['error: ZeroDivisionError: division by zero'], ['stdout: after\n']]},
  {name: 'another error than the allowed one', cells: ['1/0', 'print("never")'], allowErrorNames: ['KeyError'], fails: true, gives: [['error: ZeroDivisionError: division by zero'], []]},
  {name: 'a syntax error', cells: ['def f(:\n  pass'], fails: true, gives: [['error: SyntaxError: ~']]},
  {name: 'an exception with a cause', cells: ['try:\n    {}["k"]\nexcept KeyError as e:\n    raise ValueError("outer") from e'], fails: true, gives: [['error: ValueError: outer']]},
  {name: 'an exception with colours in it', cells: ['raise ValueError("\\x1b[31mred\\x1b[0m")'], fails: true, gives: [['error: ValueError: \u001b[31mred\u001b[0m']]},
  {name: 'sys.exit with a status', cells: ['import sys, warnings\nwarnings.simplefilter("ignore")\nsys.exit(3)', 'print("never")'], fails: true, gives: [['error: SystemExit: 3'], []]},
  {name: 'a KeyboardInterrupt of its own', cells: ['raise KeyboardInterrupt()'], fails: true, gives: [['error: KeyboardInterrupt: ']]},
  {name: 'input is refused', cells: ['input("name? ")'], fails: true, gives: [['error: StdinNotImplementedError: ~']]},

  {name: 'a cell that is skipped keeps what it has', cells: [{source: 'print("no")', tags: ['skip-execution'], outputs: stale, count: 7}, 'print("yes")'], gives: [['7', 'stdout: stale\n'], ['1', 'stdout: yes\n']]},
  {name: 'a blank cell keeps what it has', cells: [{source: ' \n\t', outputs: stale, count: 7}, 'print("yes")'], gives: [['7', 'stdout: stale\n'], ['1', 'stdout: yes\n']]},
  {name: 'outputs of an earlier run go', cells: [{source: 'x = 1', outputs: stale, count: 9}], gives: [['1']]},
  {name: 'text is left alone', cells: [{source: '# title', type: 'markdown'}, {source: 'raw', type: 'raw'}, 'print(1)'], gives: [['1', 'stdout: 1\n']]},
  {name: 'counts are of cells that ran', cells: ['1', {source: '2', tags: ['skip-execution']}, '3'], gives: [['1', 'result: text/plain=1'], ['null'], ['2', 'result: text/plain=3']]},

  {name: 'a display that is updated', cells: [`${display}display("a", display_id="one")\nupdate_display("b", display_id="one")`], gives: [["display: text/plain='b'"]]},
  {name: 'a display that another cell updates', cells: [`${display}display("a", display_id="two");`, 'update_display("b", display_id="two")'], gives: [["display: text/plain='b'"], []]},
  {name: 'a display that is shown twice', cells: [`${display}display("a", display_id="three");`, 'display("b", display_id="three");', 'update_display("c", display_id="three")'], gives: [["display: text/plain='c'"], ["display: text/plain='c'"], []]},
  {name: 'an update of nothing', cells: [`${display}update_display("x", display_id="nobody")\nprint(1)`], gives: [['stdout: 1\n']]},
  {name: 'an update with metadata', cells: [`${display}display({"text/plain": "a"}, raw=True, display_id="four", metadata={"k": 1});`, 'update_display({"text/plain": "b"}, raw=True, display_id="four", metadata={"k": 2})'], gives: [['display: text/plain=b {"k":2}'], []]},
  {name: 'clear_output at once', cells: [`${display}print("a"); clear_output(); print("b")`], gives: [['stdout: b\n']]},
  {name: 'clear_output that waits', cells: [`${display}print("a"); clear_output(wait=True); print("b")`], gives: [['stdout: b\n']]},
  {name: 'clear_output that waits in vain', cells: [`${display}print("a"); clear_output(wait=True)`, 'print("b")'], gives: [['stdout: a\n'], ['stdout: b\n']]},
  {name: 'an update does not end the wait', cells: [`${display}display("a", display_id="five"); clear_output(wait=True); update_display("b", display_id="five")`], gives: [["display: text/plain='b'"]]},
  {name: 'a display that was cleared is not updated', cells: [`${display}display("a", display_id="six"); clear_output(); print("x"); update_display("b", display_id="six")`], gives: [['stdout: x\n']]},
  {name: 'a bar that is drawn anew', cells: [`${display}for i in range(5):\n    clear_output(wait=True); display(i)`], gives: [['display: text/plain=4']]},

  {name: 'a thread that prints', cells: ['import threading\nt = threading.Thread(target=lambda: print("from a thread"))\nt.start(); t.join()'], gives: [['stdout: from a thread\n']]},
  {name: 'a program that prints', cells: ['!echo from a shell'], gives: [['stdout: from a shell\r\n']]},
  {name: 'output that is captured', cells: ['%%capture kept\nprint("hidden")', 'kept.show()'], gives: [[], ['stdout: hidden\n']]},
  {name: 'help and recalled code are not outputs', cells: ['get_ipython().set_next_input("x = 1")', 'len?'], gives: [[], []]},
  {name: 'a top-level await', cells: ['import asyncio\nawait asyncio.sleep(0)\nprint("awaited")'], gives: [['stdout: awaited\n']]},

  {name: 'the state of widgets', cells: [`${comm}slider = model('w1', 'IntSliderModel', {'value': 1, 'layout': 'IPY_MODEL_x'})\nslider.send({'method': 'update', 'state': {'value': 5}, 'buffer_paths': []})\nslider.send({'method': 'custom', 'content': {}})`], gives: [[]], widgets: {w1: []}},
  {name: 'widgets with buffers', cells: [`${comm}image = model('w2', 'ImageModel', {'format': 'png'}, buffers=[b'abc'], paths=[['value']])\nimage.send({'method': 'update', 'state': {}, 'buffer_paths': [['value'], ['extra', 0]]}, buffers=[b'def', b'x'])`], gives: [[]], widgets: {w2: []}},
  {name: 'a widget that captures output', cells: [`${output('w3')}capture(out)\nprint("a", flush=True); print("b", flush=True); display(7)\ncapture(out, False)\nprint("outside")`], gives: [['stdout: outside\n']], widgets: {w3: ['stdout: a\nb\n', 'display: text/plain=7']}},
  {name: 'a widget whose output is cleared', cells: [`${display}${output('w4')}capture(out)\nprint("a", flush=True); clear_output(); print("b", flush=True); clear_output(wait=True); print("c", flush=True)\ncapture(out, False)`], gives: [[]], widgets: {w4: ['stdout: c\n']}},
  {name: 'a widget that captures an error', cells: [`${output('w5')}capture(out)\n1/0`, 'capture(out, False)'], allowErrors: true, gives: [[], []], widgets: {w5: ['error: ZeroDivisionError: division by zero']}},

  {name: 'a cell whose time is over', cells: ['import time', 'time.sleep(60)', 'print("never")'], cellTimeout: 5, fails: true, gives: [[], ['error: KeyboardInterrupt: '], []]},
  {name: 'a password is refused', cells: ['import getpass\ngetpass.getpass()'], fails: true, gives: [['error: StdinNotImplementedError: ~']]},
  {name: 'a kernel that dies', cells: ['print("kept", flush=True)', 'import os\nos._exit(1)', 'print("never")'], own: 'python3', dies: true, fails: true, gives: [['stdout: kept\n'], [], []]},
  {name: 'a widget that captures inside of another', cells: [`${output('w6')}inner = model('w7', 'OutputModel', {'outputs': [], 'msg_id': ''}, '@jupyter-widgets/output')\ncapture(out)\nprint(1, flush=True)\ncapture(inner)\nprint(2, flush=True)\ncapture(inner, False)\nprint(3, flush=True)\ncapture(out, False)\nprint(4)`], gives: [['stdout: 4\n']], widgets: {w6: ['stdout: 1\n3\n'], w7: ['stdout: 2\n']}},
  {name: 'a captured display that is updated', cells: [`${display}${output('w8')}display("a", display_id="seven")\ncapture(out)\ndisplay("b", display_id="seven")\ncapture(out, False)`, 'update_display("c", display_id="seven")'], gives: [["display: text/plain='c'"], []], widgets: {w8: ["display: text/plain='b'"]}},
  {name: 'clear_output that waits for an error', cells: [`${display}print("a"); clear_output(wait=True); 1/0`], fails: true, gives: [['error: ZeroDivisionError: division by zero']]},
  {name: 'an error in async code', cells: ['import asyncio\nasync def bad():\n    await asyncio.sleep(0)\n    raise ValueError("async")\nawait bad()', 'print("never")'], fails: true, gives: [['error: ValueError: async'], []]},
  {name: 'an error of one of several tasks', cells: ['import asyncio\nasync def one(n):\n    await asyncio.sleep(0)\n    return 1 / n\nawait asyncio.gather(one(1), one(0), return_exceptions=True)', 'await asyncio.gather(one(0))'], fails: true, gives: [["result: text/plain=[1.0, ZeroDivisionError('division by zero')]"], ['error: ZeroDivisionError: division by zero']]},
  {name: 'sys.exit with success', cells: ['import sys, warnings\nwarnings.simplefilter("ignore")\nprint("done")\nsys.exit(0)', 'print("never")'], fails: 'exits', gives: [['stdout: done\n', 'error: SystemExit: 0'], []]},
  {name: 'sys.exit without a status', cells: ['import sys, warnings\nwarnings.simplefilter("ignore")\nsys.exit()', 'print("never")'], fails: 'exits', gives: [['error: SystemExit: '], []]},
  {name: 'sys.exit with a message', cells: ['import sys, warnings\nwarnings.simplefilter("ignore")\nsys.exit("no data")', 'print("never")'], fails: true, gives: [['error: SystemExit: no data'], []]},
  {name: 'a warning', cells: ['import warnings\nwarnings.simplefilter("always")\nwarnings.warn("careful")'], gives: [['stderr: ~']]},
  {name: 'names and text of other scripts', cells: ['größe = "日本語 🙂 \\u202e"\nprint(größe)\ngröße'], gives: [['stdout: 日本語 🙂 \u202e\n', "result: text/plain='日本語 🙂 \\u202e'"]]},
  {name: 'a line of a million characters', cells: ['print("ab" * 500_000)'], gives: [[`stdout: ${'ab'.repeat(500_000)}\n`]]},
  {name: 'binary data', cells: [`${display}from IPython.display import Image\ndisplay({"application/pdf": b"%PDF", "application/octet-stream": b"\\x00\\xff", "text/plain": "b"}, raw=True)\nImage(data=b"\\xff\\xd8\\xff", format="jpeg")`], gives: [['display: application/octet-stream=AP8= application/pdf=JVBERg== text/plain=b', 'result: image/jpeg=/9j/ text/plain=<IPython.core.display.Image object>']]},
  {name: 'text data in lists of lines', cells: [`${display}display({"text/html": "a\\nb\\n", "text/markdown": "# c\\n", "application/javascript": "d\\n", "text/plain": ""}, raw=True)`], gives: [['display: application/javascript=d\n text/html=a\nb\n text/markdown=# c\n text/plain=']]},

  {
    name: 'parameters of every type', parameters: 'i: 41\nf: 1.5\nwhole: 1.0\nsmall: 1.0e-9\nbig: 123456789012345678901\nneg: -1\ns: "a \\"b\\"\\n\\\\ é 🙂"\nflag: true\nnothing: null\nl: [1, two, 3.0, [false]]\nd: {k: [v], x y: null}\ninf: .inf\n',
    cells: [{source: ['i', 'f', 'whole', 'small', 'big', 'neg', 's', 'flag', 'nothing', 'l', 'd', 'inf'].map((name) => `${name} = 0`).join('\n'), tags: ['parameters']}, 'print(i, f, whole, small, big, neg, repr(s), flag, nothing, l, d, inf)'],
    gives: [[], [], [`stdout: 41 1.5 1.0 1e-09 123456789012345678901 -1 'a "b"\\n\\\\ é 🙂' True None [1, 'two', 3.0, [False]] {'k': ['v'], 'x y': None} inf\n`]],
  },
  {name: 'parameters over those of an earlier run', parameters: 'a: 3', cells: ['a = 0', {source: 'a = 1\nb = 1', tags: ['parameters']}, {source: '# Parameters\na = 2\nb = 2\n', tags: ['injected-parameters'], outputs: stale, count: 2}, 'print(a, b)'], gives: [[], [], [], ['stdout: 3 1\n']]},
  {name: 'parameters where no cell declares them', parameters: 'a: 3', cells: [{source: '# title', type: 'markdown'}, 'print(a)'], gives: [['1'], ['2', 'stdout: 3\n']]},
  {name: 'parameters in the middle', parameters: 'a: 3', cells: ['print("first")', {source: 'a = 1', tags: ['parameters', 'other']}, {source: 'text', type: 'markdown'}, 'print(a)'], gives: [['stdout: first\n'], [], [], ['stdout: 3\n']]},

  {name: 'a notebook of format 4.0', minor: 0, cells: [{source: '# title', type: 'markdown'}, 'print("old")'], gives: [['stdout: old\n']]},
  {name: 'a notebook of format 4.2 with attachments', minor: 2, cells: [{source: '![](attachment:a.png)', type: 'markdown', attachments: {'a.png': {'image/png': png}}}, 'print("old")'], gives: [['stdout: old\n']]},
  {name: 'a notebook of format 4.4 that is parameterised', minor: 4, parameters: 'a: 3', cells: [{source: 'a = 1', tags: ['parameters']}, 'print(a)'], gives: [[], [], ['stdout: 3\n']]},
  {
    name: 'ids and metadata stay', metadata: {title: 'ä', authors: [{name: 'A'}], custom: {deep: {x: [1, null]}}},
    cells: [{source: 'print(1)', id: 'my-own_ID', tags: ['kept'], metadata: {collapsed: true, slideshow: {slide_type: 'slide'}, custom: {n: 1.5}}}, {source: 'raw', type: 'raw', id: 'r', metadata: {format: 'text/latex'}}],
    gives: [['stdout: 1\n']],
  },
  {name: 'a kernel of another language', own: 'echo', cells: ['one\ntwo', 'fail', 'three'], fails: true, gives: [['stdout: one\ntwo'], ['error: EchoError: it was asked to'], []]},
]
