/** A node of the parsed text. */
export interface Node {
  name: string
  from: number
  to: number
  firstChild: Node | null
  nextSibling: Node | null
}

export const childrenOf = (node: Node): Node[] => {
  const all: Node[] = []
  for (let child = node.firstChild; child; child = child.nextSibling) all.push(child)
  return all
}
