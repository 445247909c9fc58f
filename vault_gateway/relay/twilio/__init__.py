"""The relay's Twilio face: signed webhooks in, TwiML out, and the same questions and records behind them."""
