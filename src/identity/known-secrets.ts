/** Keys whose private half is public. Their signatures prove nothing. */

/**
 * JWK thumbprints (RFC 7638, RFC 8037) of keys printed in standards or made from an easily guessed seed. Compare them with a
 * computed thumbprint, never with a `kid`.
 */
export const PUBLIC_SECRETS: ReadonlySet<string> = new Set([
  'BHj8s0GPnMEQtkaULIM-PLgEhLBbuGUQ1vMxmBWZzEo', // RFC 9421 §B.1.1, test-key-rsa
  'oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA', // RFC 9421 §B.1.2, test-key-rsa-pss
  'ydQXMtvbsOsZyFir-Y7A8t7fKEM1gbKPvyFkdpu4fvI', // RFC 9421 §B.1.3, test-key-ecc-p256
  'poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U', // RFC 9421 §B.1.4, test-key-ed25519, also Web Bot Auth's demonstration
  'kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k', // RFC 8037 §A.1, also RFC 8032 §7.1 TEST 1
  'FtIu-VbGrfe_KB6CH7GNwODB72MNxj_ml11dEvO-7kk', // RFC 8032 §7.1 TEST 2
  'FVV5umTuau890q59V-4Ga_R6qWb7ON_ivJc4EjvCwTM', // RFC 8032 §7.1 TEST 3
  'IsUn6_e04MaShXFIISMp4kG62LWzMIPy_MvSA5pJgX8', // RFC 7515 §A.2
  'oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U', // RFC 7515 §A.3
  'cn-I_WNMClehiVp51i_0VpOENW1upEerA8sEam5hn-s', // RFC 7517 §A.2, P-256
  'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs', // RFC 7517 §A.2, RSA, also RFC 7638 §3.1
  '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I', // RFC 9449 §4
  'LIstkoCvByn4jk8oZPvigQkzTzO9UwnGnE-VMlkZvYQ', // RFC 9500 §2.3, testECCP256
  '9ZP03Nu8GrXPAUkbKNxHOKBzxPX83SShgFkRNK-f2lw', // Ed25519 of 32 bytes of 0x00
  'UDDReOZl1ipXAfp9wYsm13sDBMK5og--QWdBjzuf6o4', // Ed25519 of 32 bytes of 0x01
  'nEArpjG3kYMcxbdzInyGlBEYQUw7RfAfe3Tw1fZvAA0', // Ed25519 of 32 bytes of 0x42
  'LlsmkXmHJuXWkRZLv_FKl_mprfIV5aYVnXqCgsebsdU', // Ed25519 of 32 bytes of 0xff
  '1IG2tMH7J2wbJZnOf8LJzQitKf7LMvoAElsuDMVM54Y', // Ed25519 of the bytes 0x00 to 0x1f
  'WWpn_pfHui9YKR4CZtQsDGMu7_Gch2zYChfSvnxgtPk', // Ed25519 of the bytes 0x01 to 0x20
])

/**
 * Ed25519 keys of small order, with the sign bit cleared. Threat: anyone can make signatures that verify under them, so a
 * debt could always be denied. Points of order 4, 1, 8, 8, 2, then p and p + 1, which some decoders read as 0 and 1.
 */
export const SMALL_ORDER: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
])
