// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Eip712} from "./Eip712.sol";
import {IBatchSettlement, IDepositCollector, IERC20} from "./IBatchSettlement.sol";
import {Signatures} from "./Signatures.sol";

/// @title The escrow of x402 batch-settlement channels, for local chains
/// @notice Written from the public interface of the scheme; answers as the deployed contract does.
contract BatchSettlement is IBatchSettlement {
    string private constant NAME = "x402 Batch Settlement";
    string private constant VERSION = "1";

    bytes32 public constant CHANNEL_CONFIG_TYPEHASH = keccak256(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)"
    );
    bytes32 public constant VOUCHER_TYPEHASH = keccak256("Voucher(bytes32 channelId,uint128 maxClaimableAmount)");
    bytes32 public constant REFUND_TYPEHASH = keccak256("Refund(bytes32 channelId,uint256 nonce,uint128 amount)");
    bytes32 public constant CLAIM_ENTRY_TYPEHASH =
        keccak256("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)");
    bytes32 public constant CLAIM_BATCH_TYPEHASH = keccak256(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"
    );
    uint40 public constant MIN_WITHDRAW_DELAY = 15 minutes;
    uint40 public constant MAX_WITHDRAW_DELAY = 30 days;

    mapping(bytes32 channelId => Channel) public channels;
    mapping(bytes32 channelId => Withdrawal) public pendingWithdrawals;
    mapping(bytes32 channelId => uint256) public refundNonce;
    mapping(address receiver => mapping(address token => Receiver)) public receivers;

    bool private transient locked;

    modifier nonReentrant() {
        require(!locked, ReentrancyGuardReentrantCall());
        locked = true;
        _;
        locked = false;
    }

    /// @notice Several calls of this contract in one transaction; the first that fails undoes all.
    function multicall(bytes[] calldata data) external returns (bytes[] memory results) {
        results = new bytes[](data.length);
        for (uint256 i = 0; i < data.length; ++i) {
            (bool ok, bytes memory answer) = address(this).delegatecall(data[i]);
            if (!ok) _bubble(answer);
            results[i] = answer;
        }
    }

    /// @notice Adds escrow to a channel, which need not exist yet. Anyone may send the payer's authorization.
    function deposit(ChannelConfig calldata config, uint128 amount, address collector, bytes calldata collectorData)
        external
        nonReentrant
    {
        _checkConfig(config);
        require(amount != 0, ZeroDeposit());
        require(collector != address(0), InvalidCollector());
        bytes32 channelId = getChannelId(config);
        Channel storage channel = channels[channelId];
        uint128 before = channel.balance;
        require(amount <= type(uint128).max - before, DepositOverflow());
        channel.balance = before + amount;

        uint256 held = IERC20(config.token).balanceOf(address(this));
        IDepositCollector(collector).collect(config.payer, config.token, amount, channelId, collectorData);
        require(IERC20(config.token).balanceOf(address(this)) == held + amount, DepositCollectionFailed());

        if (before == 0) emit ChannelCreated(channelId, config);
        emit Deposited(channelId, msg.sender, amount, before + amount);
    }

    /// @notice Puts vouchers on chain; sent by the receiver or the receiver's authorizer of every row.
    function claim(VoucherClaim[] calldata voucherClaims) external nonReentrant {
        require(voucherClaims.length != 0, EmptyBatch());
        for (uint256 i = 0; i < voucherClaims.length; ++i) {
            require(_isReceiverSide(voucherClaims[i].voucher.channel), NotAuthorizedToClaim());
            _claim(voucherClaims[i]);
        }
    }

    /// @notice The same, sent by anyone with one signature of the authorizer that all rows share.
    function claimWithSignature(VoucherClaim[] calldata voucherClaims, bytes calldata authorizerSignature)
        external
        nonReentrant
    {
        require(voucherClaims.length != 0, EmptyBatch());
        address authorizer = voucherClaims[0].voucher.channel.receiverAuthorizer;
        for (uint256 i = 1; i < voucherClaims.length; ++i) {
            require(voucherClaims[i].voucher.channel.receiverAuthorizer == authorizer, NotReceiverAuthorizer());
        }
        bytes32 digest = getClaimBatchDigest(voucherClaims);
        require(Signatures.isValid(authorizer, digest, authorizerSignature), InvalidSignature());
        for (uint256 i = 0; i < voucherClaims.length; ++i) {
            _claim(voucherClaims[i]);
        }
    }

    /// @notice Moves all that was claimed for a receiver and not moved yet; nothing to move is no failure.
    function settle(address receiver, address token) external nonReentrant {
        Receiver storage totals = receivers[receiver][token];
        uint128 amount = totals.totalClaimed - totals.totalSettled;
        if (amount == 0) return;
        totals.totalSettled += amount;
        emit Settled(receiver, token, msg.sender, amount);
        _transfer(token, receiver, amount);
    }

    /// @notice Gives unclaimed escrow back to the payer; sent by the receiver or its authorizer.
    function refund(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        require(_isReceiverSide(config), NotAuthorizedToRefund());
        _refund(config, getChannelId(config), amount);
    }

    /// @notice The same, sent by anyone with the authorizer's signature over the channel's next nonce.
    function refundWithSignature(
        ChannelConfig calldata config,
        uint128 amount,
        uint256 nonce,
        bytes calldata receiverAuthorizerSignature
    ) external nonReentrant {
        bytes32 channelId = getChannelId(config);
        require(nonce == refundNonce[channelId], InvalidRefundNonce());
        bytes32 digest = getRefundDigest(channelId, nonce, amount);
        require(
            Signatures.isValid(config.receiverAuthorizer, digest, receiverAuthorizerSignature), InvalidSignature()
        );
        _refund(config, channelId, amount);
    }

    /// @notice Starts the delay after which the payer may take unclaimed escrow out alone.
    function initiateWithdraw(ChannelConfig calldata config, uint128 amount) external nonReentrant {
        require(_isPayerSide(config), InvalidChannel());
        require(amount != 0, NothingToWithdraw());
        bytes32 channelId = getChannelId(config);
        require(amount <= _available(channels[channelId]), WithdrawAmountExceedsAvailable());
        Withdrawal storage pending = pendingWithdrawals[channelId];
        require(pending.initiatedAt == 0, WithdrawalAlreadyPending());
        (pending.amount, pending.initiatedAt) = (amount, uint40(block.timestamp));
        emit WithdrawInitiated(channelId, amount, uint40(block.timestamp) + config.withdrawDelay);
    }

    /// @notice Pays a withdrawal out, at most what is unclaimed by then.
    /// @dev Vouchers that were signed and not claimed reserve nothing: the receiver must have claimed before.
    function finalizeWithdraw(ChannelConfig calldata config) external nonReentrant {
        require(_isPayerSide(config), NotAuthorizedToFinalizeWithdraw());
        bytes32 channelId = getChannelId(config);
        Withdrawal memory pending = pendingWithdrawals[channelId];
        require(pending.initiatedAt != 0, WithdrawalNotPending());
        require(
            block.timestamp >= uint256(pending.initiatedAt) + config.withdrawDelay, WithdrawDelayNotElapsed()
        );
        delete pendingWithdrawals[channelId];
        uint128 amount = _take(channelId, pending.amount);
        emit WithdrawFinalized(channelId, msg.sender, amount);
        if (amount != 0) _payOut(config, channelId, amount);
    }

    /// @notice A channel's id: the EIP-712 digest of its config, and so bound to this chain and contract.
    function getChannelId(ChannelConfig calldata config) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(CHANNEL_CONFIG_TYPEHASH, config)));
    }

    function getVoucherDigest(bytes32 channelId, uint128 maxClaimableAmount) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(VOUCHER_TYPEHASH, channelId, maxClaimableAmount)));
    }

    function getRefundDigest(bytes32 channelId, uint256 nonce, uint128 amount) public view returns (bytes32) {
        return _digest(keccak256(abi.encode(REFUND_TYPEHASH, channelId, nonce, amount)));
    }

    function getClaimBatchDigest(VoucherClaim[] calldata voucherClaims) public view returns (bytes32) {
        bytes32[] memory entries = new bytes32[](voucherClaims.length);
        for (uint256 i = 0; i < entries.length; ++i) {
            VoucherClaim calldata row = voucherClaims[i];
            bytes32 channelId = getChannelId(row.voucher.channel);
            entries[i] = keccak256(
                abi.encode(CLAIM_ENTRY_TYPEHASH, channelId, row.voucher.maxClaimableAmount, row.totalClaimed)
            );
        }
        return _digest(keccak256(abi.encode(CLAIM_BATCH_TYPEHASH, keccak256(abi.encodePacked(entries)))));
    }

    /// @notice ERC-5267.
    function eip712Domain()
        external
        view
        returns (bytes1, string memory, string memory, uint256, address, bytes32, uint256[] memory)
    {
        return (hex"0f", NAME, VERSION, block.chainid, address(this), bytes32(0), new uint256[](0));
    }

    /// @dev A row at or below what was claimed does nothing, whatever its signature: a batch may be sent twice.
    function _claim(VoucherClaim calldata row) private {
        ChannelConfig calldata config = row.voucher.channel;
        bytes32 channelId = getChannelId(config);
        Channel storage channel = channels[channelId];
        uint128 claimed = channel.totalClaimed;
        if (row.totalClaimed <= claimed) return;
        require(row.totalClaimed <= row.voucher.maxClaimableAmount, ClaimExceedsCeiling());
        require(row.totalClaimed <= channel.balance, ClaimExceedsBalance());
        _checkVoucher(config, getVoucherDigest(channelId, row.voucher.maxClaimableAmount), row.signature);

        uint128 delta = row.totalClaimed - claimed;
        channel.totalClaimed = row.totalClaimed;
        receivers[config.receiver][config.token].totalClaimed += delta;
        emit Claimed(channelId, msg.sender, delta, row.totalClaimed);
    }

    /// @dev A named authorizer is a key and nothing else; without one the payer signs, as a key or a contract.
    function _checkVoucher(ChannelConfig calldata config, bytes32 digest, bytes calldata signature) private view {
        bool signed = config.payerAuthorizer == address(0)
            ? Signatures.isValid(config.payer, digest, signature)
            : Signatures.recover(digest, signature) == config.payerAuthorizer;
        require(signed, InvalidSignature());
    }

    /// @dev The nonce moves first, even when nothing is left to give back, so that no signature serves twice.
    function _refund(ChannelConfig calldata config, bytes32 channelId, uint128 asked) private {
        require(asked != 0, ZeroRefund());
        ++refundNonce[channelId];
        uint128 amount = _take(channelId, asked);
        if (amount == 0) return;
        Withdrawal storage pending = pendingWithdrawals[channelId];
        if (amount < pending.amount) pending.amount -= amount;
        else delete pendingWithdrawals[channelId];
        emit Refunded(channelId, msg.sender, amount);
        _payOut(config, channelId, amount);
    }

    /// @dev Lowers the balance by `asked`, or by what is unclaimed when that is less.
    function _take(bytes32 channelId, uint128 asked) private returns (uint128 amount) {
        Channel storage channel = channels[channelId];
        uint128 available = _available(channel);
        amount = asked < available ? asked : available;
        channel.balance -= amount;
    }

    function _payOut(ChannelConfig calldata config, bytes32 channelId, uint128 amount) private {
        // No balance means no claim either: a balance never falls below what was claimed from it.
        if (channels[channelId].balance == 0) emit ChannelClosed(channelId, config);
        _transfer(config.token, config.payer, amount);
    }

    function _available(Channel storage channel) private view returns (uint128) {
        return channel.balance - channel.totalClaimed;
    }

    function _isReceiverSide(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.receiverAuthorizer || msg.sender == config.receiver;
    }

    function _isPayerSide(ChannelConfig calldata config) private view returns (bool) {
        return msg.sender == config.payer || msg.sender == config.payerAuthorizer;
    }

    function _checkConfig(ChannelConfig calldata config) private pure {
        require(
            config.payer != address(0) && config.receiver != address(0) && config.receiverAuthorizer != address(0)
                && config.token != address(0),
            InvalidChannel()
        );
        require(
            config.withdrawDelay >= MIN_WITHDRAW_DELAY && config.withdrawDelay <= MAX_WITHDRAW_DELAY,
            WithdrawDelayOutOfRange()
        );
    }

    function _digest(bytes32 structHash) private view returns (bytes32) {
        return Eip712.digest(Eip712.separator(keccak256(bytes(NAME)), keccak256(bytes(VERSION))), structHash);
    }

    /// @dev A token may answer nothing, or true; its own revert is passed on.
    function _transfer(address token, address to, uint256 amount) private {
        (bool ok, bytes memory answer) = token.call(abi.encodeCall(IERC20.transfer, (to, amount)));
        if (!ok) _bubble(answer);
        bool good = answer.length == 0 ? token.code.length != 0 : abi.decode(answer, (uint256)) == 1;
        require(good, SafeERC20FailedOperation(token));
    }

    function _bubble(bytes memory reason) private pure {
        require(reason.length != 0, FailedCall());
        assembly ("memory-safe") {
            revert(add(reason, 32), mload(reason))
        }
    }
}
