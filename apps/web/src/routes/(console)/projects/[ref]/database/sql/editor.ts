import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { PostgreSQL, sql, type SQLNamespace } from '@codemirror/lang-sql'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { Compartment, EditorState, Prec, type Extension } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
} from '@codemirror/view'
import { failureMarks, showFailure, textColours, textLook, type Marker } from '#lib/editor/text-look.ts'

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
    textColours,
    textLook,
    failureMarks,
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
    mark: (marker: Marker | undefined) => showFailure(view, marker),
    runnable: () => toRunnable(view.state),
    destroy: () => view.destroy(),
  }
}

/** The selection if there is one, else everything, and where it begins. */
function toRunnable(state: EditorState): [text: string, from: number] {
  const { from, to, empty } = state.selection.main
  return empty ? [state.doc.toString(), 0] : [state.sliceDoc(from, to), from]
}
