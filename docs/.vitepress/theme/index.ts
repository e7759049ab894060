/**
 * The theme: VitePress' own, with the component that draws diagrams, the stepper, and the
 * styles of the notes and of annotated source. What only some pages need is loaded there.
 *
 * @module
 */
import { onContentUpdated, type Theme } from 'vitepress'
import DefaultTheme from 'vitepress/theme'
import { defineAsyncComponent, h, nextTick, onBeforeUnmount, onMounted } from 'vue'
import Mermaid from './Mermaid.vue'
import { mendPage } from './mend-page.ts'
import FoldBar from './notes/FoldBar.vue'
import CallPath from './walk/CallPath.vue'
import './chapter/chapter.css'
import './chapter/log-files.css'
import './style.css'
import './print.css'

const LivingCluster = defineAsyncComponent(() => import('./home/LivingCluster.vue'))

const theme: Theme = {
  extends: DefaultTheme,
  Layout: () =>
    h(DefaultTheme.Layout, null, {
      'home-features-before': () => h(LivingCluster),
      'doc-before': () => h(CallPath),
    }),
  setup() {
    const mend = () => void nextTick(() => mendPage(document))
    onMounted(() => {
      window.addEventListener('resize', mend)
      // Diagrams and the stepper come later than their page.
      document.addEventListener('drawn', mend)
      mend()
    })
    onBeforeUnmount(() => {
      window.removeEventListener('resize', mend)
      document.removeEventListener('drawn', mend)
    })
    onContentUpdated(mend)
  },
  enhanceApp({ app }) {
    app.component('Mermaid', Mermaid)
    app.component('FoldBar', FoldBar)
    const moment = () => import('./chapter/ClusterMoment.vue')
    app.component('ClusterMoment', defineAsyncComponent(moment))
    const stepper = () => import('./stepper/Stepper.vue')
    app.component('Stepper', defineAsyncComponent(stepper))
    const playground = () => import('./playground/Playground.vue')
    app.component('Playground', defineAsyncComponent(playground))
  },
}

export default theme
