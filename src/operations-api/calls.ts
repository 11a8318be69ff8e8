import { FEATURES } from '../features/features.ts';
import { type Api, type Call, OPERATIONS_PATH } from '../http/calls.ts';
import { featureCalls } from './feature-calls.ts';
import type { OperationsParts } from './parts.ts';

/** Every call of the operations API. */
export function operationsCalls(parts: OperationsParts): Call[] {
  return featureCalls(FEATURES, parts);
}

/** The operations API, under `/api/v1`: what people and their programs ask for beside the CRM. */
export function operationsApi(parts: OperationsParts): Api {
  const tags = Object.fromEntries(
    FEATURES.filter(({ operations }) => operations.length > 0).map(({ name, summary }) => [name, summary]),
  );
  return { basePath: OPERATIONS_PATH, calls: operationsCalls(parts), plainInputs: true, tags };
}
