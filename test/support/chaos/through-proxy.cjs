// Loaded into a process under test by NODE_OPTIONS=--require, into each of its threads, too: connections to one port go
// to another instead, whatever address a broker advertises. MILLRACE_TEST_PROXY is FROM:TO.
const { Socket } = require("node:net");

const [from, to] = process.env.MILLRACE_TEST_PROXY.split(":").map(Number);
const { connect } = Socket.prototype;

Socket.prototype.connect = function connectThroughProxy(...args) {
  // net.connect passes its arguments as one list.
  const [options] = Array.isArray(args[0]) ? args[0] : args;
  if (Number(options?.port) === from) options.port = to;
  return connect.apply(this, args);
};
