import { parentPort, workerData } from 'node:worker_threads';
import { type SoapCommand, soapOpinions } from './soap-opinion.ts';

/** The thread of `soapOpinionsApart`. */
parentPort?.postMessage(await soapOpinions(workerData as SoapCommand[]));
