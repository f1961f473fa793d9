// Notebooks for the conformance suite: each states what an executed copy of it holds. They run one after the other on one kernel.

export interface FixtureCell {
  source: string
  type?: 'code' | 'markdown' | 'raw'
  tags?: string[]
  /** of an earlier run */
  outputs?: object[]
  count?: number | null
}

export interface Fixture {
  name: string
  cells: (FixtureCell | string)[]
  allowErrors?: boolean
  allowErrorNames?: string[]
  /** true: a cell ends the run */
  fails?: boolean
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
]
