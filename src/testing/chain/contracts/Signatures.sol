// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice ERC-1271: how an account with code says that a signature is its own.
interface IContractSigner {
    function isValidSignature(bytes32 digest, bytes memory signature) external view returns (bytes4);
}

/// @notice Verdicts on signatures: 65 bytes, low s, v 27 or 28 for keys; ERC-1271 for accounts with code.
library Signatures {
    error ECDSAInvalidSignature();
    error ECDSAInvalidSignatureLength(uint256 length);
    error ECDSAInvalidSignatureS(bytes32 s);

    /// @dev secp256k1's order, halved: the twin (r, n - s) of a good signature is refused.
    bytes32 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    /// @notice The key that signed; reverts with the reason when the signature is malformed.
    function recover(bytes32 digest, bytes memory signature) internal pure returns (address signer) {
        require(signature.length == 65, ECDSAInvalidSignatureLength(signature.length));
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        require(s <= MAX_S, ECDSAInvalidSignatureS(s));
        signer = ecrecover(digest, v, r, s);
        require(signer != address(0), ECDSAInvalidSignature());
    }

    /// @notice Whether `signer`, a key or a contract, signed `digest`. Never reverts for a malformed signature.
    function isValid(address signer, bytes32 digest, bytes memory signature) internal view returns (bool) {
        return signer.code.length == 0
            ? _signedByKey(signer, digest, signature)
            : _signedByContract(signer, digest, signature);
    }

    function _signedByKey(address signer, bytes32 digest, bytes memory signature) private pure returns (bool) {
        if (signature.length != 65) return false;
        (bytes32 r, bytes32 s, uint8 v) = _split(signature);
        if (s > MAX_S) return false;
        address recovered = ecrecover(digest, v, r, s);
        return recovered != address(0) && recovered == signer;
    }

    function _signedByContract(address signer, bytes32 digest, bytes memory signature) private view returns (bool) {
        (bool answered, bytes memory answer) =
            signer.staticcall(abi.encodeCall(IContractSigner.isValidSignature, (digest, signature)));
        return answered && answer.length >= 32 && bytes32(answer) == bytes32(IContractSigner.isValidSignature.selector);
    }

    function _split(bytes memory signature) private pure returns (bytes32 r, bytes32 s, uint8 v) {
        assembly ("memory-safe") {
            r := mload(add(signature, 32))
            s := mload(add(signature, 64))
            v := byte(0, mload(add(signature, 96)))
        }
    }
}
