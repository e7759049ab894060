/**
 * The theme: VitePress' own, with the component that draws diagrams and the styles of the
 * notes and of annotated source.
 *
 * @module
 */
import type { Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import Mermaid from './Mermaid.vue'
import './style.css'

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp({ app }) {
    app.component('Mermaid', Mermaid)
  },
}

export default theme
