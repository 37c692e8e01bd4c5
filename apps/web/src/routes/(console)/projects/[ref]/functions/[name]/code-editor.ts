import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands'
import { javascript } from '@codemirror/lang-javascript'
import { bracketMatching, indentOnInput } from '@codemirror/language'
import { EditorState, Prec, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { failureMarks, showFailure, textColours, textLook, type Marker } from '#lib/editor/text-look.ts'

export interface CodeEditorHandlers {
  onchange: (text: string) => void
  onsave: () => void
}

/** An editor of one file of a function on an element. */
export function createCodeEditor(parent: HTMLElement, nonce: string, handlers: CodeEditorHandlers) {
  const toExtensions = (path: string): Extension[] => [
    EditorView.cspNonce.of(nonce),
    Prec.highest(keymap.of([{ key: 'Mod-s', preventDefault: true, run: () => (handlers.onsave(), true) }])),
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
    ...(/\.(?:[mc]?[jt]sx?|jsonc?)$/.test(path) ? [javascript({ typescript: /\.[mc]?tsx?$/.test(path), jsx: path.endsWith('x') })] : []),
    textColours,
    textLook,
    failureMarks,
    EditorView.contentAttributes.of({ 'aria-label': `Code of ${path}`, spellcheck: 'false', tabindex: '0' }),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) handlers.onchange(update.state.doc.toString())
    }),
  ]
  // With the nonce from the start: the view's own styles are made with it.
  const view = new EditorView({ parent, state: EditorState.create({ extensions: toExtensions('') }) })
  return {
    /** Another file, with a history of its own. */
    open(path: string, text: string) {
      view.setState(EditorState.create({ doc: text, extensions: toExtensions(path) }))
    },
    /** Shows a problem under its line, counted from 1; none takes it away. */
    mark(problem: { line: number; message: string } | undefined) {
      const line = problem && view.state.doc.line(Math.min(Math.max(1, problem.line), view.state.doc.lines))
      const marker: Marker | undefined = problem && line && { at: line.from, message: problem.message, hint: null }
      showFailure(view, marker)
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  }
}

export type CodeEditor = ReturnType<typeof createCodeEditor>
