/** A command of the project as a person runs it: a process. */
import { execFile } from 'node:child_process';
import { bareEnvironment } from '#platform/config.ts';

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a file until it ends, with these settings and no others. */
export const runCommand = (file: string, settings: object, ...args: string[]): Promise<Ended> =>
  new Promise((resolve) => {
    const env = bareEnvironment({ RENTABOOK_DATA: '/nowhere', ...settings });
    const child = execFile(process.execPath, [file, ...args], { env }, (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
