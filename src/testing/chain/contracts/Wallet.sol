// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Signatures} from "./Signatures.sol";

/// @notice A contract account that signs by ERC-1271 with its owner's key; the owner may take that word back.
contract Wallet {
    address public immutable owner;
    bool public frozen;

    constructor(address owner_) {
        owner = owner_;
    }

    /// @notice From now on no signature is the wallet's own: what was good at admission is refused at claim time.
    function freeze() external {
        require(msg.sender == owner, "Wallet: not the owner");
        frozen = true;
    }

    function isValidSignature(bytes32 digest, bytes memory signature) external view returns (bytes4) {
        return !frozen && Signatures.isValid(owner, digest, signature)
            ? this.isValidSignature.selector
            : bytes4(0xffffffff);
    }
}
