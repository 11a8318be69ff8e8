import { parentPort, workerData } from 'node:worker_threads';
import { type SoapCommand, soapOpinions } from './soap-opinion.ts';

/** The thread of `soapOpinionsApart`. */
// eslint-disable-next-line unicorn/require-post-message-target-origin -- a port of a thread has none
parentPort?.postMessage(await soapOpinions(workerData as SoapCommand[]));
