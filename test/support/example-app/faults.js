// Loaded into the app under test (node --require): SIGUSR2 triggers the fault that FAULT names.
const faults = {
  exception: () => { throw new Error('thrown on purpose'); },
  rejection: () => { void Promise.reject(new Error('rejected on purpose')); },
  reason: () => { void Promise.reject('no error'); },
  twice: () => { setImmediate(faults.exception); setImmediate(faults.exception); },
  warning: () => { process.emitWarning('warned on purpose', 'DeprecationWarning', 'DEP9999'); },
};
process.on('SIGUSR2', () => faults[process.env.FAULT]());
