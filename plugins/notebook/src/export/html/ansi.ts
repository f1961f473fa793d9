import {AnsiUp} from 'ansi_up'
import {lastStates} from '../mime.ts'

/** Output of programs as HTML: its colours are kept as classes, everything else of terminals is left out. */
export function ansiHtml(text: string): string {
  const converter = new AnsiUp()
  converter.use_classes = true
  // links in output are a terminal's affair: none is made
  converter.url_allowlist = {}
  return converter.ansi_to_html(lastStates(text))
}
