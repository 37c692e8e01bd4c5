import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { StateEffect, StateField, type EditorState, type Extension } from '@codemirror/state'
import { Decoration, EditorView, WidgetType, type DecorationSet } from '@codemirror/view'
import { tags } from '@lezer/highlight'

export interface Marker {
  /** Index into the document. */
  at: number
  message: string
  hint: string | null
}

const setMarker = StateEffect.define<Marker | undefined>()

/** Where a failure is shown under its line. */
export const failureMarks = StateField.define<DecorationSet>({
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

/** Shows a failure under its line; none takes it away. */
export function showFailure(view: EditorView, marker: Marker | undefined): void {
  view.dispatch({ effects: setMarker.of(marker) })
  if (marker) view.dispatch({ effects: EditorView.scrollIntoView(Math.min(marker.at, view.state.doc.length), { y: 'center' }) })
}

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

/** Colours of code, by the theme's own. */
export const textColours: Extension = syntaxHighlighting(
  HighlightStyle.define([
    { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--accent)', fontWeight: '500' },
    { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
    { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
    { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--warn)' },
    { tag: tags.comment, color: 'var(--muted)', fontStyle: 'italic' },
  ]),
)

/** How an editor of text looks. */
export const textLook: Extension = EditorView.theme({
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
