import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { PostgreSQL, sql, type SQLNamespace } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { Compartment, EditorState, Prec, StateEffect, StateField, type Extension } from '@codemirror/state'
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
  WidgetType,
  type DecorationSet,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'

export interface Marker {
  /** Index into the document. */
  at: number
  message: string
  hint: string | null
}

export interface EditorHandlers {
  onchange: (text: string) => void
  onrun: (text: string, from: number) => void
  onexplain: (text: string, from: number) => void
}

/** The SQL editor on an element: text, completion from the schema, an error shown under its line. */
export function createEditor(parent: HTMLElement, nonce: string, handlers: EditorHandlers) {
  const language = new Compartment()
  const run = (deliver: EditorHandlers['onrun']) => (view: EditorView) => {
    deliver(...toRunnable(view.state))
    return true
  }
  const extensions: Extension[] = [
    EditorView.cspNonce.of(nonce),
    Prec.highest(
      keymap.of([
        { key: 'Mod-Shift-Enter', run: run(handlers.onexplain) },
        { key: 'Mod-Enter', run: run(handlers.onrun) },
      ]),
    ),
    lineNumbers(),
    highlightActiveLineGutter(),
    highlightActiveLine(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    closeBrackets(),
    autocompletion({ icons: false }),
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...completionKeymap, indentWithTab]),
    language.of(sql({ dialect: PostgreSQL, upperCaseKeywords: false })),
    syntaxHighlighting(colours),
    look,
    markerField,
    placeholder('select * from …'),
    EditorView.contentAttributes.of({ 'aria-label': 'SQL', spellcheck: 'false', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) handlers.onchange(update.state.doc.toString())
    }),
  ]
  const create = (text: string) => EditorState.create({ doc: text, extensions })
  const view = new EditorView({ parent, state: create('') })
  return {
    view,
    /** Another document, with a history of its own. */
    open(text: string) {
      view.setState(create(text))
    },
    complete(schema: SQLNamespace) {
      view.dispatch({ effects: language.reconfigure(sql({ dialect: PostgreSQL, schema, defaultSchema: 'public' })) })
    },
    mark(marker: Marker | undefined) {
      view.dispatch({ effects: setMarker.of(marker) })
      if (marker) view.dispatch({ effects: EditorView.scrollIntoView(Math.min(marker.at, view.state.doc.length), { y: 'center' }) })
    },
    runnable: () => toRunnable(view.state),
    destroy: () => view.destroy(),
  }
}

/** The selection if there is one, else everything, and where it begins. */
function toRunnable(state: EditorState): [text: string, from: number] {
  const { from, to, empty } = state.selection.main
  return empty ? [state.doc.toString(), 0] : [state.sliceDoc(from, to), from]
}

const setMarker = StateEffect.define<Marker | undefined>()

const markerField = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(decorations, transaction) {
    // An edit may be the repair: the mark has done its work.
    let next = transaction.docChanged ? Decoration.none : decorations
    for (const effect of transaction.effects) {
      if (!effect.is(setMarker)) continue
      next = effect.value ? toDecorations(transaction.state, effect.value) : Decoration.none
    }
    return next
  },
  provide: (field) => EditorView.decorations.from(field),
})

function toDecorations(state: EditorState, marker: Marker): DecorationSet {
  const line = state.doc.lineAt(Math.min(marker.at, state.doc.length))
  return Decoration.set([
    Decoration.line({ class: 'cm-failed-line' }).range(line.from),
    Decoration.widget({ widget: new FailureWidget(marker), block: true, side: 1 }).range(line.to),
  ])
}

class FailureWidget extends WidgetType {
  readonly #marker: Marker

  constructor(marker: Marker) {
    super()
    this.#marker = marker
  }

  toDOM(): HTMLElement {
    const element = document.createElement('div')
    element.className = 'cm-failure'
    element.textContent = this.#marker.hint ? `${this.#marker.message}\n${this.#marker.hint}` : this.#marker.message
    return element
  }
}

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--accent)', fontWeight: '500' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--warn)' },
  { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
])

const look = EditorView.theme({
  '&': { height: '100%', fontSize: '13px', backgroundColor: 'var(--surface)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono, ui-monospace, monospace)', lineHeight: '1.6' },
  '.cm-content': { padding: '8px 0', caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { backgroundColor: 'var(--surface)', color: 'var(--muted)', border: 'none' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--hover) 55%, transparent)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 26%, transparent)',
  },
  '.cm-placeholder': { color: 'var(--muted)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--surface)',
    border: '1px solid var(--line)',
    borderRadius: '6px',
    boxShadow: 'var(--shadow)',
    overflow: 'hidden',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'inherit', maxHeight: '16em' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--muted)', fontStyle: 'normal' },
  '.cm-matchingBracket, &.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--accent-soft)' },
  '.cm-failed-line': { backgroundColor: 'var(--danger-soft)' },
  '.cm-failure': {
    whiteSpace: 'pre-wrap',
    padding: '2px 10px 6px',
    borderLeft: '3px solid var(--danger)',
    backgroundColor: 'var(--danger-soft)',
    color: 'var(--danger)',
    fontFamily: 'inherit',
  },
})
