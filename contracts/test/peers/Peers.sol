// SPDX-License-Identifier: UNLICENSED
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {Multicall} from "@openzeppelin/contracts/utils/Multicall.sol";
import {ERC3525Mintable} from "@solvprotocol/erc-3525/ERC3525Mintable.sol";
import {Multicall as EarlierMulticall} from "@solvprotocol/erc-3525/node_modules/@openzeppelin/contracts/utils/Multicall.sol";

// What the gas of our vouchers is compared with: the public ERC-3525 reference and OpenZeppelin's ERC-721 as their users
// have them, with nothing added but what a comparison needs: minting, open to all, so that it costs no access check, and
// each library's own Multicall for a batch in one transaction. They know no limit, party, signature, due day or state.

contract PeerERC3525 is ERC3525Mintable, EarlierMulticall {
    constructor() ERC3525Mintable("Peer", "PEER", 2) {}
}

contract PeerERC721 is ERC721, Multicall {
    constructor() ERC721("Peer", "PEER") {}

    function mint(address to, uint256 tokenId) external {
        _mint(to, tokenId);
    }
}
