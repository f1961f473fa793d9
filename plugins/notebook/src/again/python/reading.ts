import type {PythonNames} from '../python-names.ts'
import {readArguments, readCall, rootOf} from './calls.ts'
import {readClass, readComprehension, readFunction, readLambda} from './definitions.ts'
import {childrenOf, type Node} from './node.ts'
import {Notes, type Scope} from './notes.ts'
import {readAssignment, readCompound, readDeletion, readImport} from './statements.ts'

/** Goes through a text once: each kind of node is read by a function of its own, which comes back here for what is in it. */
export class Reading {
  readonly notes = new Notes()
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  whole(node: Node): PythonNames {
    this.block(node, {sure: this.notes.names.sure})
    return this.notes.finish()
  }

  of(node: Node): string {
    return this.text.slice(node.from, node.to)
  }

  block(node: Node, scope: Scope): void {
    for (const child of childrenOf(node)) this.visit(child, scope)
  }

  /** What is assigned in there is sure in there only. */
  inner(node: Node, scope: Scope): void {
    this.block(node, {...scope, sure: new Set(scope.sure)})
  }

  visit(node: Node, scope: Scope): void {
    switch (node.name) {
      case 'VariableName': return this.notes.read(this.of(node), scope)
      case 'ImportStatement': return readImport(this, node, scope)
      case 'AssignStatement': case 'UpdateStatement': case 'NamedExpression': return readAssignment(this, node, scope)
      case 'DeleteStatement': return readDeletion(this, node, scope)
      case 'ForStatement': case 'WithStatement': case 'TryStatement': case 'IfStatement': case 'WhileStatement': case 'MatchStatement': case 'MatchBody': return readCompound(this, node, scope)
      case 'MatchClause': return this.inner(node, scope)
      case 'CapturePattern': case 'StarPattern': return childrenOf(node).forEach((child) => this.target(child, scope))
      case 'FunctionDefinition': return readFunction(this, node, scope)
      case 'ClassDefinition': return readClass(this, node, scope)
      case 'LambdaExpression': return readLambda(this, node, scope)
      case 'ArrayComprehensionExpression': case 'SetComprehensionExpression': case 'DictionaryComprehensionExpression': case 'ComprehensionExpression': return readComprehension(this, node, scope)
      case 'ArgList': return readArguments(this, node, scope)
      case 'KeywordPattern': return childrenOf(node).slice(1).forEach((child) => this.visit(child, scope))
      case 'ExpressionStatement': {
        const [only] = childrenOf(node)
        const call = only?.name === 'AwaitExpression' ? childrenOf(only).at(-1) : only
        if (call?.name === 'CallExpression') return readCall(this, call, scope, true)
        return this.block(node, scope)
      }
      case 'CallExpression': return readCall(this, node, scope, false)
      case 'ScopeStatement': return // its names are found with the function
      default: return this.block(node, scope)
    }
  }

  /** What stands where something is assigned to. */
  target(node: Node, scope: Scope): void {
    if (node.name === 'VariableName') return this.notes.write(this.of(node), scope)
    if (node.name === 'MemberExpression') {
      this.block(node, scope)
      const root = rootOf(node)
      return root === undefined ? undefined : this.notes.change(this.of(root), scope)
    }
    if (node.name === 'TypeDef') return this.block(node, scope)
    for (const child of childrenOf(node)) this.target(child, scope)
  }
}
