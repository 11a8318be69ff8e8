#!/usr/bin/env -S node --disable-warning=TimeoutNegativeWarning
import { enableCompileCache } from 'node:module';
import { homedir } from 'node:os';
import { join } from 'node:path';

// Stripping the types of all modules takes half of a start. The cache is below the home directory: who can write to it
// decides what runs here, and others can write to /tmp. Without a home directory every start strips them again.
try {
  enableCompileCache(join(homedir(), '.cache', 'conax-provisioning', 'compiled'));
} catch {}
const { main } = await import('./commands/main.ts');
await main();
