-- Why a signer refused, by the code of the reason; `refusal` is then what they added. Without a code `refusal` is all that was said.
ALTER TABLE statement ADD COLUMN refusal_reason TEXT COLLATE "C";
