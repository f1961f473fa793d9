import sanitize from 'sanitize-html'

const tags = [
  'h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'p', 'div', 'span', 'center', 'a', 'ul', 'ol', 'li', 'dl', 'dt', 'dd', 'blockquote', 'pre', 'code', 'em', 'strong', 'b', 'i', 'u', 's', 'del', 'ins', 'sub', 'sup', 'small', 'big',
  'mark', 'kbd', 'samp', 'var', 'abbr', 'q', 'cite', 'br', 'hr', 'wbr', 'font', 'table', 'thead', 'tbody', 'tfoot', 'tr', 'th', 'td', 'caption', 'colgroup', 'col', 'img', 'details', 'summary', 'figure', 'figcaption',
]
const colour = [/^[\w#(),.% -]{1,60}$/]
const length = [/^(-?[\d.]+(px|em|rem|ex|ch|pt|%)?|auto|0)( (-?[\d.]+(px|em|rem|ex|ch|pt|%)?|auto|0)){0,3}$/]
const word = [/^[a-z -]{1,40}$/]
const styles = {
  ...Object.fromEntries(['color', 'background-color', 'border-color'].map((name) => [name, colour])),
  ...Object.fromEntries(['width', 'max-width', 'height', 'max-height', 'margin', 'margin-left', 'margin-right', 'margin-top', 'margin-bottom', 'padding', 'border-width', 'font-size', 'font-weight', 'line-height'].map((name) => [name, [...length, ...word]])),
  ...Object.fromEntries(['text-align', 'vertical-align', 'font-style', 'text-decoration', 'white-space', 'float', 'display', 'border-style', 'overflow-x'].map((name) => [name, word])),
  border: [/^[\w#(),.% -]{1,80}$/],
}

/** `image`: the data URI for an image's address; undefined: it is not at hand, and a link or its text stands for it. */
export interface SanitizeOptions {
  image: (source: string) => string | undefined
}

/** HTML without anything that runs, loads, sends or lies over the page: text, tables, links, lists and images that are in the page. */
export function sanitizeHtml(html: string, {image}: SanitizeOptions): string {
  return sanitize(html, {
    allowedTags: tags,
    allowedAttributes: {
      '*': ['class', 'id', 'title', 'dir', 'lang', 'align', 'valign', 'style', 'width', 'height'], a: ['href', 'rel'], img: ['src', 'alt'],
      td: ['colspan', 'rowspan'], th: ['colspan', 'rowspan', 'scope'], ol: ['start', 'type'], table: ['border'], details: ['open'], font: ['color', 'size'], col: ['span'],
    },
    allowedSchemes: ['http', 'https', 'mailto'],
    allowedSchemesByTag: {img: ['data']},
    allowProtocolRelative: false,
    allowedStyles: {'*': styles},
    // a whole document in an output: what is in its head is not its text
    nonTextTags: ['script', 'style', 'textarea', 'option', 'title', 'noscript', 'template', 'xmp', 'noembed', 'noframes', 'plaintext'],
    transformTags: {
      a: (tagName, attribs) => ({tagName, attribs: {...attribs, rel: 'noopener noreferrer'}}),
      img: (tagName, {src = '', ...attribs}) => {
        const data = image(src)
        if (data !== undefined) return {tagName, attribs: {...attribs, src: data}}
        const text = attribs['alt'] || src.slice(0, 200)
        return /^https?:/i.test(src) ? {tagName: 'a', attribs: {href: src, rel: 'noopener noreferrer'}, text} : {tagName: 'span', attribs: {class: 'missing'}, text}
      },
    },
  })
}

/** HTML that lives by more than the above: by styles of its own (a styled DataFrame), by drawings or by scripts. It is shown in a frame. */
export const needsFrame = (html: string): boolean => /<(style|script|svg|math|iframe|object|embed|form|input|button|select|canvas|video|audio|link|body)\b/i.test(html)

/** Without the style that pandas gives every DataFrame: the page has its own for tables. */
export const withoutScopedStyle = (html: string): string => html.replaceAll(/<style scoped>[^<]*<\/style>/g, '')
