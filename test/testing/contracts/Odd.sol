// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface IMint {
    function mint(address to, uint256 value) external returns (bool);
}

/// @notice A collector that calls its caller back before it transfers the tokens.
contract Reenterer {
    function collect(address, address token, uint256 amount, bytes32, bytes calldata callback) external {
        (bool ok, bytes memory answer) = msg.sender.call(callback);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(answer, 32), mload(answer))
            }
        }
        IMint(token).mint(msg.sender, amount);
    }
}

/// @notice A token whose transfers fail or succeed as set at its deployment.
contract OddToken {
    enum Habit {
        AnswersNothing,
        AnswersFalse,
        Reverts
    }

    Habit public immutable habit;
    mapping(address => uint256) public balanceOf;

    constructor(Habit habit_) {
        habit = habit_;
    }

    function mint(address to, uint256 value) external returns (bool) {
        balanceOf[to] += value;
        return true;
    }

    function transfer(address to, uint256 value) external {
        require(habit != Habit.Reverts);
        bool moved = habit == Habit.AnswersNothing;
        if (moved) (balanceOf[msg.sender], balanceOf[to]) = (balanceOf[msg.sender] - value, balanceOf[to] + value);
        assembly ("memory-safe") {
            if iszero(moved) {
                mstore(0, 0)
                return(0, 32)
            }
        }
    }
}
