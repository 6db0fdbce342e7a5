// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A list of addresses with the read of public sanctions oracles. Anyone may change it: it stands on local chains alone.
contract SanctionsOracle {
    mapping(address account => bool) private listed;

    function isSanctioned(address account) external view returns (bool) {
        return listed[account];
    }

    function list(address account, bool isListed) external {
        listed[account] = isListed;
    }
}
