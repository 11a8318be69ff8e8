/** Fails naming every import in `src` that breaks dev/imports/rules.ts. */
import { problemsOf, readImports } from './imports/graph.ts';
import { IMPORT_RULES } from './imports/rules.ts';

const problems = problemsOf(readImports('src'), IMPORT_RULES);
for (const problem of problems) console.error(problem);
if (problems.length > 0) {
  console.error(`${problems.length} imports break the rules in dev/imports/rules.ts.`);
  process.exitCode = 1;
}
