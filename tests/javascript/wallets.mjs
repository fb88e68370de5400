// What viem and ethers make of typed data: reads {key, samples} from stdin, writes one {viem, ethers} per sample,
// each {digest, signature}, to stdout. Both libraries are npm's, installed in contracts/.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(new URL("../../contracts/package.json", import.meta.url));
const { hashTypedData } = require("viem");
const { privateKeyToAccount } = require("viem/accounts");
const { TypedDataEncoder, Wallet } = require("ethers");

const { key, samples } = JSON.parse(readFileSync(0, "utf-8"));
const account = privateKeyToAccount(key);
const wallet = new Wallet(key);

async function byViem(sample) {
  return { digest: hashTypedData(sample), signature: await account.signTypedData(sample) };
}

async function byEthers({ domain, types: { EIP712Domain, ...types }, primaryType, message }) {
  const encoder = TypedDataEncoder.from(types);
  if (encoder.primaryType !== primaryType) throw new Error(`${encoder.primaryType} instead of ${primaryType}`);
  return {
    digest: TypedDataEncoder.hash(domain, types, message),
    signature: await wallet.signTypedData(domain, types, message),
  };
}

const answers = [];
for (const sample of samples) answers.push({ viem: await byViem(sample), ethers: await byEthers(sample) });
process.stdout.write(JSON.stringify(answers));
