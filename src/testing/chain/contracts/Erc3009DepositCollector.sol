// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IDepositCollector, IERC20} from "./IBatchSettlement.sol";

interface IErc3009 is IERC20 {
    function receiveWithAuthorization(
        address from,
        address to,
        uint256 value,
        uint256 validAfter,
        uint256 validBefore,
        bytes32 nonce,
        bytes calldata signature
    ) external;
}

/// @notice Pulls a deposit by the payer's ERC-3009 authorization. Its nonce names the channel, so that whoever
/// relays it cannot send the money to another channel.
contract Erc3009DepositCollector is IDepositCollector {
    error OnlyX402BatchSettlement();
    error InvalidX402BatchSettlementAddress();
    error SafeERC20FailedOperation(address token);

    address public immutable x402BatchSettlement;

    constructor(address settlement) {
        require(settlement != address(0), InvalidX402BatchSettlementAddress());
        x402BatchSettlement = settlement;
    }

    /// @param collectorData abi.encode(uint256 validAfter, uint256 validBefore, uint256 salt, bytes signature)
    function collect(address payer, address token, uint256 amount, bytes32 channelId, bytes calldata collectorData)
        external
    {
        require(msg.sender == x402BatchSettlement, OnlyX402BatchSettlement());
        (uint256 validAfter, uint256 validBefore, uint256 salt, bytes memory signature) =
            abi.decode(collectorData, (uint256, uint256, uint256, bytes));
        bytes32 nonce = keccak256(abi.encode(channelId, salt));
        IErc3009(token).receiveWithAuthorization(
            payer, address(this), amount, validAfter, validBefore, nonce, signature
        );
        require(IErc3009(token).transfer(msg.sender, amount), SafeERC20FailedOperation(token));
    }
}
