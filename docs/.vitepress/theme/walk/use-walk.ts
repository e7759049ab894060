/**
 * # Where the reader is in the walk
 *
 * Reads `?via=` of the address and finds the stop. The list of stops is loaded only on
 * pages that are on the way.
 *
 * @module
 */
import { useRoute, useRouter, withBase } from 'vitepress'
import { onBeforeUnmount, onMounted, ref, watch } from 'vue'
import type { Stop } from '../../weave/walk.ts'
import { goTo, KEYS, type Way } from './walk-moves.ts'

const walk = ref<readonly Stop[]>([])
const at = ref(-1)

async function load(): Promise<void> {
  if (walk.value.length > 0) return
  const answer = await fetch(withBase('/recordings/home/walk.json')).catch(
    () => undefined,
  )
  if (answer?.ok) walk.value = (await answer.json()) as Stop[]
}

/** The walk and the reader's place in it; keeps both up to date while mounted. */
export function useWalk() {
  const route = useRoute()
  const router = useRouter()

  async function update(): Promise<void> {
    const via = new URL(location.href).searchParams.get('via')
    const isChapter = /\/chapters\/./.test(route.path)
    if (via === null && !isChapter) {
      at.value = -1
      return
    }
    await load()
    at.value = walk.value.findIndex((stop) =>
      via === null ? stop.href.startsWith(`${route.path}?`) : stop.via === via,
    )
  }

  async function go(way: Way): Promise<void> {
    const stop = goTo(walk.value, at.value, way)
    if (!stop) return
    await router.go(withBase(stop.href))
    await update()
  }

  function onKey(event: KeyboardEvent): void {
    const way = KEYS[event.key]
    const { tagName, isContentEditable } = event.target as HTMLElement
    if (!way || at.value < 0 || event.ctrlKey || event.metaKey || event.altKey) return
    if (isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(tagName)) return
    event.preventDefault()
    void go(way)
  }

  const onState = () => void update()
  onMounted(() => {
    void update()
    window.addEventListener('keydown', onKey)
    window.addEventListener('popstate', onState)
  })
  onBeforeUnmount(() => {
    window.removeEventListener('keydown', onKey)
    window.removeEventListener('popstate', onState)
  })
  watch(() => route.path, onState)
  return { walk, at, go }
}
