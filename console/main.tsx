import './styles.ts';
import './console.css';
import { createTheme, MantineProvider } from '@mantine/core';
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { ApiError } from './api/client.ts';
import { MessagesProvider } from './parts/messages.tsx';
import { SessionProvider } from './session.tsx';
import { Shell } from './shell.tsx';

/** Every page shows the login then, and comes back as it was. */
function onError(error: unknown): void {
  if (error instanceof ApiError && error.isLoggedOut) void queries.invalidateQueries({ queryKey: ['session'] });
}

const queries: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    queries: {
      retry: (count, error) => count < 2 && error instanceof ApiError && error.code === 'UNREACHABLE',
      staleTime: 1_000,
    },
  },
});
const theme = createTheme({
  primaryColor: 'blue',
  // Lighter ones have too little contrast to the text on them.
  primaryShade: { light: 8, dark: 8 },
  cursorType: 'pointer',
  headings: { sizes: { h1: { fontSize: '1.6rem' } } },
});
const nonce = document.querySelector<HTMLMetaElement>('meta[name=style-nonce]')?.content ?? '';
// The library that keeps the page still under a dialogue adds a style element, and takes its nonce from here.
Object.assign(globalThis, { __webpack_nonce__: nonce });
const root = document.querySelector('#root');
if (root === null) throw new Error('The page has no element #root');

createRoot(root).render(
  <StrictMode>
    <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
      <QueryClientProvider client={queries}>
        <SessionProvider>
          <MessagesProvider>
            <Router base="/console">
              <Shell />
            </Router>
          </MessagesProvider>
        </SessionProvider>
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
);
