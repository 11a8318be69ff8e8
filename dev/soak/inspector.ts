/** Looks into another Node process that was started with `--inspect`. */
export interface Inspector {
  /** Collects all garbage, then evaluates the expression there; its value has to be plain data. */
  evaluate<T>(expression: string, withinMs?: number): Promise<T>;
  close(): void;
}

/** A process that stands still answers nothing: that is no reason to wait for it. */
const ANSWERS_WITHIN_MS = 5_000;

/**
 * Connects to the inspector at the port.
 * @throws where the process is gone or does not answer; so does `evaluate`.
 */
export async function connectInspector(port: number): Promise<Inspector> {
  const answer = await fetch(`http://127.0.0.1:${port}/json`, { signal: AbortSignal.timeout(ANSWERS_WITHIN_MS) });
  const [target] = (await answer.json()) as { webSocketDebuggerUrl: string }[];
  const socket = new WebSocket(target?.webSocketDebuggerUrl ?? '');
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('The inspector refuses the connection')), { once: true });
  });
  let last = 0;
  const call = <T>(method: string, params: object = {}, withinMs = ANSWERS_WITHIN_MS): Promise<T> => {
    last += 1;
    const id = last;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => end(new Error('The process is gone or stands still')), withinMs);
      const onClose = (): void => end(new Error('The process is gone'));
      const onMessage = ({ data }: MessageEvent): void => {
        const told = JSON.parse(String(data)) as { id?: number; result?: T };
        if (told.id !== id) return;
        resolve(told.result as T);
        end();
      };
      const end = (error?: Error): void => {
        clearTimeout(late);
        socket.removeEventListener('message', onMessage);
        socket.removeEventListener('close', onClose);
        if (error !== undefined) reject(error);
      };
      socket.addEventListener('message', onMessage);
      socket.addEventListener('close', onClose);
      socket.send(JSON.stringify({ id, method, params }));
    });
  };
  return {
    async evaluate<T>(expression: string, withinMs?: number) {
      await call('HeapProfiler.collectGarbage');
      const params = { expression, returnByValue: true };
      const { result } = await call<{ result: { value: T } }>('Runtime.evaluate', params, withinMs);
      return result.value;
    },
    close: () => socket.close(),
  };
}
